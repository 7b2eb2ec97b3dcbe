"""What the mapping language refuses, with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.sources import SourceConfigError
from include.sources.loading import load_source

SOURCE = """\
source: desk
system: Desk
group: tickets
personal: [Notes]
questionnaires:
  s:
    survey_name: s
    purpose: pulse
    questions:
      - {id: s.1, headers: [Q1], multiple: {options: [A, B]}}
      - {id: s.2, headers: [Q2], scale: [1, 5], opposite_of: s.3}
      - {id: s.3, headers: [Q3], scale: [1, 5]}
feeds:
  orders:
    delivery: snapshot
    files: orders.csv
    entities:
      order:
        columns:
          order_id: [id]
          ordered_at: [at]
          amount: [value]
  users:
    delivery: snapshot
    files: users.csv
    entities:
      customer:
        columns:
          customer_id: [id]
          phone: {concat: [Area, Number]}
  answers:
    delivery: snapshot
    files: answers.csv
    entities:
      survey_answer:
        questionnaire: s
        columns: {response_id: [id]}
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("order_id: [id]", "order_id: {from: [id], key_of: [a]}", "needs one of `from`"),
        ("order_id: [id]", "order_id: {}", "needs one of `from`"),
        ("order_id: [id]", "order_id: {from: [id], separator: x}", "`separator` belongs to `concat`"),
        ("order_id: [id]", "order_id: {from: [id], occurrence: true}", "`occurrence` belongs to `key_of`"),
        ("ordered_at: [at]", "ordered_at: {key_of: [a]}", "only an id can be made from cells; the column is timestamp"),
        ("ordered_at: [at]", 'ordered_at: {from: [at], decimal_mark: ","}', "the column is no number but timestamp"),
        ("ordered_at: [at]", "ordered_at: {from: [at], factor: 60}", "the column is no number but timestamp"),
        ("amount: [value]", "amount: {from: [value], factor: 0}", "greater than 0"),
        ("amount: [value]", 'amount: {from: [value], decimal_mark: ",", strip: [","]}', "removes the decimal mark ,"),
        ("amount: [value]", 'amount: {from: [value], strip: ["."]}', "removes the decimal mark ."),
        ("customer_id: [id]", "customer_id: {key_of: [id, Number]}", r"Number is personal \(customer.phone\)"),
        ("customer_id: [id]", 'customer_id: {key_of: ["*"]}', r"Area is personal \(customer.phone\)"),
        ("order_id: [id]", "order_id: {key_of: [id, Notes]}", "Notes is personal"),
        ("        questionnaire: s", "        only: {a: b}\n        questionnaire: s", "taken from every record"),
        ("{options: [A, B]}", "{options: [A, a, A]}", "two options have the same id"),
        ("{options: [A, B]}", "{options: {1+: A}}", "other characters"),
        ("{options: [A, B]}", "{options: [A, B┋C]}", "holds the separator"),
        ("{options: [A, B]}", '{options: [A], option_headers: ["Q1"]}', "has no {option}"),
        ("{options: [A, B]}", "{options: []}", "at least 1 item"),
        ("multiple: {options: [A, B]}", "scale: [1, 2], multiple: {options: [A]}", "with `multiple` has no scale"),
        ("multiple: {options: [A, B]}", "role: csat, multiple: {options: [A]}", "with `multiple` has no csat"),
        ("{id: s.1, headers", "{id: s.1, role: open, free_text: 〖〗, headers", "`multiple` has no open"),
        ("{id: s.3, headers: [Q3], scale: [1, 5]}", "{id: s.3, free_text: 〖〗, role: open}", "is free text as it is"),
        ("{id: s.3, headers: [Q3], scale: [1, 5]}", "{id: s.3, free_text: 〖}", "at least 2 characters"),
        ("{id: s.3, headers: [Q3]", "{id: s.1.A, headers: [Q3]", "question s.1.A stands twice"),
        ("opposite_of: s.3", 'contradicted_by: "s.9 = 1"', "no question s.9"),
        ("scale: [1, 5], opposite_of: s.3", 'contradicted_by: "s.3 = 1"', "it needs a `scale`"),
        (
            "5], opposite_of: s.3}\n      - {id: s.3, headers: [Q3], scale: [1, 5]}",
            "5], block: b}\n      - {id: s.3, headers: [Q3], scale: [0, 10], block: b}",
            r"questions.2.block: the items of a block have one scale; here it is 0-10, that of s.2 1-5",
        ),
        ("opposite_of: s.3", "opposite_of: s.1", "no question s.1"),  # what is answered is s.1.A
    ],
)
def test_what_is_refused_and_where(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = SOURCE.replace(old, new, 1)
    assert text != SOURCE
    path = tmp_path / "desk.yml"
    path.write_text(text, encoding="utf-8")
    changed = next(number for number, line in enumerate(text.splitlines(), start=1) if new.splitlines()[0] in line)
    with pytest.raises(SourceConfigError, match=problem) as caught:
        load_source(path)
    assert abs(int(str(caught.value).split(":")[1]) - changed) <= ("twice" in problem) * 2 + ("one scale" in problem)


def test_the_source_is_usable_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "desk.yml"
    path.write_text(SOURCE, encoding="utf-8")
    source = load_source(path).source
    assert source.questionnaires["s"].questions[0].all_headers == ("Q1",)


@pytest.mark.parametrize("condition", ["s.1.A = 1", "s.2 <= 3"])
def test_a_condition_may_look_at_an_option(tmp_path: Path, condition: str) -> None:
    path = tmp_path / "desk.yml"
    path.write_text(SOURCE.replace("{id: s.3,", f'{{id: s.3, shown_if: "{condition}",'), encoding="utf-8")
    assert load_source(path).source.questionnaires["s"].questions[2].shown_if == condition
