"""What the auditors' pages say, in both languages (`words.yml`), and how they tell figures and nights."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from include.contracts import load_contracts
from include.reporting.amounts import NO_BREAK, amount
from include.reporting.phrases import Phrases
from include.settings import as_of_date
from include.warehouse.night_summary import Language

Kind = Literal["outcome", "verdict", "status", "place", "change", "entity", "decision", "cause"]
_PHRASES = Phrases(Path(__file__).with_name("words.yml"))
_NOTHING = "–"
# Under this share a percentage with two decimals would say 0.
_TINY = 0.00005


# Pages ask for the same words thousands of times.
@lru_cache(maxsize=8192)
def say(language: Language, name: str, /, **about: object) -> str:
    """A phrase in a language, with what it is about filled in; `nights` are the last `n`."""
    if "n" in about:
        about["nights"] = _PHRASES.say(language, "last_night" if str(about["n"]) == "1" else "last_nights", **about)
    return _PHRASES.say(language, name, **about)


@lru_cache(maxsize=1024)
def named(language: Language, kind: Kind, code: str) -> str:
    """A code of the ledger in words; one without words is shown as it is, spaced."""
    return _PHRASES.named(language, kind, code)


@lru_cache(maxsize=256)
def entity_name(language: Language, entity: str) -> str:
    """What an entity is called; one that a newer version of the project no longer has, by its code."""
    contract = load_contracts().get(entity)
    return contract.name[language] if contract else named(language, "entity", entity)


def number(value: int | None) -> str:
    """A count with thousands separators."""
    return _NOTHING if value is None else f"{value:,}"


@lru_cache(maxsize=4096)
def share(language: Language, part: int, whole: int) -> str:
    """A part of a whole in per cent; a dash where there is no whole."""
    if not whole:
        return _NOTHING
    if 0 < part / whole < _TINY:
        return f"<{NO_BREAK}{amount(0.0001, 'share', language, '')}"
    return "0" if part == 0 else amount(part / whole, "share", language, "")


@lru_cache(maxsize=4096)
def night_label(night: datetime, timezone: str) -> str:
    """A night as people call it: the local day that it ends, and the time where it ends within a day."""
    local = night.astimezone(ZoneInfo(timezone))
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return as_of_date(night, timezone).isoformat()
    return f"{local:%Y-%m-%d %H:%M}"
