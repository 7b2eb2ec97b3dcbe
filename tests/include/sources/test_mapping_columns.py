"""Columns that are made, not read: constants, joined texts, keys, other units, other marks; who takes a record."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.sources import SourceConfigError
from tests.support.mapped_rows import map_records

HEAD = "source: desk\nsystem: Desk\ngroup: tickets\n{top}feeds:\n  feed:\n    delivery: snapshot\n    files: a.csv\n"


def map_columns(
    folder: Path, columns: str, records: list[dict[str, str | None]], entity: str = "ticket", top: str = ""
) -> list[dict[str, Any]]:
    text = HEAD.format(top=top) + f"    entities:\n      {entity}:\n        columns:\n"
    text += "".join(f"          {line}\n" for line in columns.splitlines())
    return map_records(folder, text, entity, records)


TICKET = "ticket_id: [id]\nstatus: {constant: open}\ncreated_at: {constant: 2026-06-01}\n"
ORDER = "order_id: [id]\nordered_at: {constant: 2026-06-01}\n"


def test_a_constant_stands_in_every_row(tmp_path: Path) -> None:
    found = map_columns(tmp_path, TICKET + "is_complaint: {constant: true}", [{"id": "1"}, {"id": "2"}])
    assert [(row["status"], row["is_complaint"]) for row in found] == [("open", True)] * 2


@pytest.mark.parametrize(
    ("cells", "subject", "ticket_id"),
    [
        (("a", "b"), "a / b", "a-b"),
        ((" a ", "\u3000b"), "a / b", "a-b"),
        (("a", "N/A"), "a", None),  # a missing part is left out of a text, but half an id is none
        (("", ""), None, None),
    ],
)
def test_concat(tmp_path: Path, cells: tuple[str, str], subject: str | None, ticket_id: str | None) -> None:
    columns = TICKET.replace("[id]", '{concat: [x, [Y, y]], separator: "-"}')
    columns += 'subject: {concat: [x, [Y, y]], separator: " / "}'
    [row] = map_columns(tmp_path, columns, [{"x": cells[0], "y": cells[1]}], top='missing: ["", N/A]\n')
    assert (row["subject"], row["ticket_id"]) == (subject, ticket_id)


def test_concat_of_day_and_time_is_read_by_its_format(tmp_path: Path) -> None:
    columns = 'ticket_id: [id]\nstatus: {constant: open}\ncreated_at: {concat: [day, time], separator: " ", '
    columns += 'formats: ["%d.%m.%Y %H:%M"], time_zone: Europe/Berlin}'
    [row] = map_columns(tmp_path, columns, [{"id": "1", "day": "3.2.2026", "time": "9:05"}])
    assert str(row["created_at"]) == "2026-02-03 08:05:00"


def test_an_id_is_not_made_from_columns_that_the_file_lacks(tmp_path: Path) -> None:
    columns = TICKET.replace("[id]", "{concat: [x, y]}")
    with pytest.raises(SourceConfigError, match=r"source.yml:11: .*ticket_id: required, but none .* is x or y"):
        map_columns(tmp_path, columns, [{"x": "1"}])


# --- keys made from cells ---------------------------------------------------------------------------------------------


def keys(folder: Path, key: str, records: list[dict[str, str | None]]) -> list[str | None]:
    return [row["ticket_id"] for row in map_columns(folder, TICKET.replace("[id]", key), records)]


def test_a_key_made_from_cells(tmp_path: Path) -> None:
    found = keys(
        tmp_path,
        "{key_of: [x, y]}",
        [
            {"x": "ab", "y": "c", "z": "1"},
            {"x": " ab ", "y": "c", "z": "2"},  # blanks and other columns don't matter
            {"x": "a", "y": "bc", "z": "3"},
            {"x": None, "y": "c", "z": "4"},
            {"x": "", "y": "c", "z": "5"},
            {"x": None, "y": " ", "z": "6"},
        ],
    )
    assert found[0] == found[1] == hashlib.md5(b'["ab","c"]').hexdigest()[:16]  # it must never change
    assert found[3] == found[4]
    assert len({found[0], found[2], found[3]}) == 3
    assert found[5] is None  # nothing makes no key


def test_equal_records_are_numbered_in_their_order(tmp_path: Path) -> None:
    records: list[dict[str, str | None]] = [{"x": x, "y": str(n)} for n, x in enumerate("abaab")]
    found = keys(tmp_path, "{key_of: [x], occurrence: true}", records)
    a, b = found[0].rpartition("-")[0], found[1].rpartition("-")[0]  # type: ignore[union-attr]
    assert found == [f"{a}-1", f"{b}-1", f"{a}-2", f"{a}-3", f"{b}-2"]
    assert a != b


def test_all_columns_make_a_key_in_any_order(tmp_path: Path) -> None:
    one = keys(tmp_path, '{key_of: ["*"]}', [{"x": "1", "y": "2"}])
    other = keys(tmp_path, '{key_of: ["*"]}', [{"y": "2", "x": "1"}])
    assert one == other
    assert one != keys(tmp_path, '{key_of: ["*"]}', [{"x": "1", "y": "3"}])


def test_a_key_is_not_made_from_fewer_columns(tmp_path: Path) -> None:
    with pytest.raises(SourceConfigError, match=r"source.yml:11: .*ticket_id: required, but none .* is y"):
        keys(tmp_path, "{key_of: [x, y]}", [{"x": "1"}])


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "amount", "untyped"),
    [
        ("1.234,50", 'decimal_mark: ",", strip: ["."]', "1234.5", None),
        ("12,5", 'decimal_mark: ","', "12.5", None),
        ("１２，５", 'decimal_mark: ","', "12.5", None),
        ("1.500", 'decimal_mark: ","', None, "amount"),  # a thousand and a half, not one and a half
        ("1,234.5", 'strip: [","]', "1234.5", None),
        ("0.1", "factor: 60", "6", None),
        ("1,5", 'decimal_mark: ",", factor: 60', "90", None),
        ("2", "factor: 0.0001", "0.0002", None),
        ("x", "factor: 60", None, "amount"),
        ("9999999999999999", "factor: 60", None, "amount"),  # more than the column holds
    ],
)
def test_decimal_mark_and_factor(
    tmp_path: Path, text: str, options: str, amount: str | None, untyped: str | None
) -> None:
    [row] = map_columns(tmp_path, ORDER + f"amount: {{from: [v], {options}}}", [{"id": "1", "v": text}], "order")
    assert (row["amount"], row["_untyped"]) == (amount and Decimal(amount), untyped)


def test_a_factor_rounds_whole_numbers_and_a_decimal_mark_may_hold_for_the_source(tmp_path: Path) -> None:
    columns = "response_id: [id]\nsurvey_id: {constant: s}\nduration_seconds: {from: [minutes], factor: 60}"
    records: list[dict[str, str | None]] = [{"id": "1", "minutes": "1,508"}, {"id": "2", "minutes": "-99"}]
    top = 'decimal_mark: ","\nmissing: ["", -99]\n'
    found = map_columns(tmp_path, columns, records, "survey_response", top)
    assert [(row["duration_seconds"], row["_untyped"]) for row in found] == [(90, None), (None, None)]


# --- value maps -------------------------------------------------------------------------------------------------------


def test_a_star_stands_for_whatever_a_map_does_not_name(tmp_path: Path) -> None:
    columns = (
        TICKET
        + 'priority: {from: [p], values: {1: urgent, "*": normal}}\nchannel: {from: [c], values: {A: app, "*": null}}'
    )
    records: list[dict[str, str | None]] = [{"id": str(n), "p": p, "c": c} for n, (p, c) in enumerate(("1A", "2B"))]
    found = map_columns(tmp_path, columns, [*records, {"id": "3", "p": "", "c": None}])
    assert [(row["priority"], row["channel"], row["_unmapped"]) for row in found] == [
        ("urgent", "app", None),
        ("normal", None, None),
        (None, None, None),
    ]


def test_values_that_yaml_would_read_as_something_else(tmp_path: Path) -> None:
    columns = TICKET + "channel: {from: [c], values: {010: 007, 12:30: 1.10, yes: no}}"
    found = map_columns(tmp_path, columns, [{"id": "1", "c": c} for c in ("010", "12:30", "yes")])
    assert [row["channel"] for row in found] == ["007", "1.10", "no"]


# --- who takes a record -----------------------------------------------------------------------------------------------

USERS = (
    HEAD.format(top="")
    + """\
    entities:
      customer:
        only: {role: [end-user, ""]}
        columns: {customer_id: [id]}
      agent:
        only: {role: [agent, admin]}
        columns: {agent_id: [id]}
"""
)


def test_only_says_whose_row_a_record_is(tmp_path: Path) -> None:
    records: list[dict[str, str | None]] = [
        {"id": str(n), "role": role} for n, role in enumerate(("end-user", " agent ", "admin", None, "robot"))
    ]
    customers = map_records(tmp_path, USERS, "customer", records)
    # What nobody takes is a row too, and unusable: nothing that was received may vanish.
    assert [(row["customer_id"], row["_untyped"]) for row in customers] == [("0", None), ("3", None), ("4", "role")]
    assert [row["agent_id"] for row in map_records(tmp_path, USERS, "agent", records)] == ["1", "2"]


def test_an_entity_without_only_takes_every_record(tmp_path: Path) -> None:
    text = USERS.replace('        only: {role: [end-user, ""]}\n', "")
    records: list[dict[str, str | None]] = [{"id": "1", "role": "robot"}, {"id": "2", "role": "agent"}]
    found = map_records(tmp_path, text, "customer", records)
    assert [(row["customer_id"], row["_untyped"]) for row in found] == [("1", None), ("2", None)]
    assert [row["agent_id"] for row in map_records(tmp_path, text, "agent", records)] == ["2"]


def test_only_needs_its_column(tmp_path: Path) -> None:
    with pytest.raises(SourceConfigError, match=r"source.yml:10: .*only.*none of the file's 1 columns is role"):
        map_records(tmp_path, USERS, "customer", [{"id": "1"}])
