"""Every warning that a model can give has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from include.customer_value import bg_nbd, gamma_gamma, sbg
from include.customer_value.warning_words import WORDS, in_words, joined

ROOM = Path(bg_nbd.__file__).parent


def test_every_code_in_the_code_has_words() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py") if path.name != "warning_words.py")
    bounds = {f"{name}_at_bound" for model in (bg_nbd, gamma_gamma, sbg) for name in model.NAMES}
    told = {code for code in WORDS if f'"{code}"' in texts} | bounds

    assert told == set(WORDS)
    lists = re.findall(r'warnings(?:\.append\(|=\(|: list\[str\] = \[)"(\w+)"', texts)
    assert len(lists) >= 4
    assert set(lists) <= set(WORDS)


def test_words_of_several_codes() -> None:
    codes = ["no_cost", "not_converged", "no_cost"]

    assert joined(codes) == "no_cost,not_converged"
    assert in_words(codes) == f"{WORDS['no_cost'][0]}; {WORDS['not_converged'][0]}"
    assert in_words(codes, chinese=True) == f"{WORDS['no_cost'][1]}；{WORDS['not_converged'][1]}"
    assert joined([]) is in_words([]) is None
