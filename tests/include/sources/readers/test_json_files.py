"""JSON and JSON Lines: nested objects become columns, bad lines are kept, damage is told by its place."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from include.sources.file_reader import UnreadableFileError

NESTED = [
    {"id": 1, "customer": {"name": "王芳", "address": {"city": "北京"}}, "tags": ["a", {"b": 2}], "open": True},
    {"id": "2", "customer": None, "score": 4.5, "tags": []},
    {},
]
COLUMNS = ["id", "customer.name", "customer.address.city", "tags", "open", "score"]
ROWS = [
    (None, "1", "王芳", "北京", '["a",{"b":2}]', "true", None),
    (None, "2", None, None, "[]", None, "4.5"),
    (None, None, None, None, None, None, None),
]


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("t.json", json.dumps(NESTED, ensure_ascii=False), {}),
        ("t.json", json.dumps(NESTED, indent=2), {}),
        ("t.json", json.dumps({"code": 0, "result": {"list": NESTED}}), {"records": "result.list"}),
        ("t.jsonl", "".join(json.dumps(one) + "\n" for one in NESTED), {}),
        ("t.ndjson", "\n\n".join(json.dumps(one) for one in NESTED), {}),
        ("t.log", "\r\n".join(json.dumps(one) for one in NESTED), {"format": "jsonl"}),
    ],
)
def test_every_shape_gives_the_same_rows(read: Callable, name: str, text: str, options: dict) -> None:
    got = read({name: text}, **options)
    assert set(got.read.columns) == set(COLUMNS)
    order = [0, *(got.read.columns.index(column) + 1 for column in COLUMNS)]
    assert [tuple(row[place] for place in order) for row in got.cells] == ROWS


def test_bad_lines_are_kept_with_their_text(read: Callable) -> None:
    got = read({"t.jsonl": '{"id": 1}\n\n{"id": 2\n[3]\n"x"\nnull\n{"id": 4}'})
    assert got.cells == [(None, "1"), ('{"id": 2', None), ("[3]", None), ('"x"', None), ("null", None), (None, "4")]
    assert got.read.notes == [
        "t.jsonl: 4 lines were kept as text that could not be parsed; the first: line 3: no JSON object"
    ]


def test_elements_that_are_no_objects_are_kept_with_their_text(read: Callable) -> None:
    got = read({"t.json": '[{"id": 1}, 7, null, {"id": 2}]'})
    assert got.cells == [(None, "1"), ("7", None), ("null", None), (None, "2")]
    assert "the first: record 2: no JSON object" in got.read.notes[0]


def test_a_value_that_is_an_object_here_and_a_text_there_stays_whole(read: Callable) -> None:
    assert read({"t.jsonl": '{"id": {"o": 1}}\n{"id": "x"}\n{"id": null}\n{"id": {}}\n'}).cells == [
        (None, '{"o":1}'),
        (None, "x"),
        (None, None),
        (None, "{}"),
    ]


def test_long_numbers_keep_their_digits(read: Callable) -> None:
    got = read({"t.jsonl": '{"id": 12345678901234567890123, "n": 9007199254740993, "p": 5.0, "q": 0.1}\n'})
    assert got.cells == [(None, "12345678901234567890123", "9007199254740993", "5.0", "0.1")]


def test_keys_may_be_anything(read: Callable) -> None:
    record = {"": 1, "_file": 2, "a/b~c": {'x"y': 3}, "0": 4, "$": 5, "*": 6, "'; drop": 7, "{{ x }}": 8}
    got = read({"t.jsonl": json.dumps(record) + "\n"})
    assert got.read.columns == ["column_1", "_file_", 'a/b~c.x"y', "0", "$", "*", "'; drop", "{{ x }}"]
    assert got.cells == [(None, *"12345678")]


@pytest.mark.parametrize(
    ("name", "text"), [("t.json", "[]"), ("t.json", " [ ] "), ("t.jsonl", ""), ("t.jsonl", "\n\n")]
)
def test_no_records_are_a_delivery_of_nothing(read: Callable, name: str, text: str) -> None:
    """The columns are those that the feed maps: nothing shows others."""
    got = read({name: text})
    assert (got.read.columns, got.rows, got.read.notes) == (["工单编号", "状态"], [], [f"{name}: no records"])


def test_one_document_is_one_record_if_the_feed_says_so(read: Callable) -> None:
    assert read({"t.json": '{"id": 1,\n "status": "a"}'}, records=".").cells == [(None, "1", "a")]


DEEP = "[" * 30_000 + "]" * 30_000


@pytest.mark.parametrize(
    ("name", "text", "options", "code", "told"),
    [
        ("t.json", "", {}, "SM205", "line 1: a list or an object was expected, it is empty"),
        ("t.json", "id,status", {}, "SM205", "line 1: a list or an object was expected, it begins with i"),
        ("t.json", '[{"id": 1},\n {"id": }]', {}, "SM205", "line 2, column 9: no JSON, or cut off"),
        ("t.json", '[{"id": 1},\n {"id": 2}', {}, "SM205", "line 2, column 11: no JSON, or cut off"),
        ("t.json", '{"r": [{"id": 1},\n {"id"', {"records": "r"}, "SM205", "line 2, column 7: no JSON, or cut off"),
        ("t.json", '{"id": 1}\n{"id": 2}', {}, "SM205", "line 2, column 1: a second document begins.*jsonl"),
        ("t.json", '{"a": {"b": [1]}, "c": []}', {}, "SM205", "Declare the feed's `records`; lists in it: a.b, c"),
        ("t.json", '{"a": [1]}', {"records": "b"}, "SM205", "no list at `records: b`.*lists in it: a"),
        ("t.json", '[{"id": 1}]', {"records": "b"}, "SM205", r"an object with `records: b` was expected, .* \["),
        ("t.jsonl", '{"ID": 1, "id": 2}', {}, "SM202", r"keys: columns 1 and 2 have the same name \(id\)"),
        ("t.json", f'[{{"id": {DEEP}}}]', {}, "SM204", "record 1: nested hundreds of levels deep"),
        ("t.jsonl", f'{{"id": 1}}\n{{"id": {DEEP}}}', {}, "SM204", "line 2: nested hundreds of levels deep"),
        ("t.json", f'{{"r": [{{"id": {DEEP}}}]}}', {"records": "r"}, "SM204", "nested hundreds of levels deep"),
        ("t.jsonl", "".join(f'{{"k{n}": 1}}\n' for n in range(3001)), {}, "SM204", "3001 different keys"),
        ("t.jsonl", '{"id": "' + "x" * 17_000_000 + '"}', {}, "SM204", "line 1: longer than 16 MB"),
        ("t.json", '{"r": [{"id": "' + "x" * 17_000_000 + '"}]}', {"records": "r"}, "SM204", "a record is larger"),
    ],
)
def test_what_is_no_list_of_records_is_told(
    read: Callable, name: str, text: str, options: dict, code: str, told: str
) -> None:
    with pytest.raises(UnreadableFileError, match=rf"^{name}: .*{told}") as caught:
        read({name: text}, **options)
    assert caught.value.code == code
