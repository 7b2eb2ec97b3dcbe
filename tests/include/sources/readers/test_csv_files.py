"""CSV: what is well formed is read, what is not is kept as text with its line; nothing is lost or made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.sources.file_reader import UnreadableFileError


def note(reading: object) -> str:
    return "; ".join(reading.read.notes)  # type: ignore[attr-defined]


def test_a_quote_that_is_not_closed_is_told_by_line_and_column(read: Callable) -> None:
    got = read({"t.csv": 'id,x,status\n1,"a\nb",ok\n2,c,"open\n3,d,ok\n\n4,e,ok'})
    assert got.cells == [
        (None, "1", "a\nb", "ok"),
        ('2,c,"open', None, None, None),
        ("3,d,ok", None, None, None),
        ("4,e,ok", None, None, None),
    ]
    assert "t.csv: 3 lines were kept" in note(got)
    assert "the first: line 4, column 3: a quote opens and is not closed" in note(got)


def test_an_open_quote_in_a_later_line_of_its_record_is_told_by_that_line(read: Callable) -> None:
    got = read({"t.csv": 'id,x,status\n1,"a\nb","open\n2,c,d\n'})
    assert "line 3, column 3: a quote opens" in note(got)
    assert len(got.rows) == 3


def test_quotes_inside_cells_are_text_and_behind_them_a_fault(read: Callable) -> None:
    got = read({"t.csv": 'id,status\n1,5" screen\n2,"5"" screen"\n3,"5" screen\n4,"a\n5,"b"\n6,ok\n'})
    assert got.cells == [
        (None, "1", '5" screen'),
        (None, "2", '5" screen'),
        ('3,"5" screen', None, None),
        ('4,"a\n5,"b"', None, None),
        (None, "6", "ok"),
    ]
    assert "2 lines were kept" in note(got)
    assert "line 4: a quote inside a quoted cell" in note(got)


def test_an_inch_mark_before_an_open_quote_hides_nothing(read: Callable) -> None:
    """The two together have an even number of quotes, and DuckDB drops the last line without a word."""
    got = read({"t.csv": 'id,status\n1,ok\n8,5" s\n9,"x\n'})
    assert got.cells == [(None, "1", "ok"), (None, "8", '5" s'), ('9,"x', None, None)]


def test_mixed_widths_are_counted_and_the_first_is_told(read: Callable) -> None:
    got = read({"t.csv": "id,status\n\n1,a\n2\n\n3,b,c\n4,d\n"})
    assert got.cells == [(None, "1", "a"), ("2", None, None), ("3,b,c", None, None), (None, "4", "d")]
    assert "2 lines were kept as text that could not be parsed; the first: line 4: 1 column, 2 expected" in note(got)


def test_a_long_line_that_could_not_be_parsed_is_kept_whole(read: Callable) -> None:
    line = "1,2," + "x" * 30_000
    assert read({"t.csv": f"id,status\n{line}\n"}).cells == [(line, None, None)]


def test_a_good_file_beside_a_bad_one_keeps_its_rows(read: Callable) -> None:
    got = read({"a.csv": "id,status\n1,a\n", "b.csv": "id,c\nbad\n2,x\n", "c.csv": "c\n3\n"})
    assert [row[1:] for row in got.rows] == [
        ("a.csv", None, "1", "a", None),
        ("b.csv", "bad", None, None, None),
        ("b.csv", None, "2", None, "x"),
        ("c.csv", None, None, None, "3"),
    ]
    assert got.read.files == [("utf-8", 1), ("utf-8", 2), ("utf-8", 1)]


def test_two_files_of_one_name_are_told_apart(read: Callable, zipped: Callable) -> None:
    packed = zipped({"a/t.csv": "id\n1\n", "../a/t.csv": "id\n2\n"})
    assert [row[1] for row in read({"z.zip": packed}).rows] == ["z.zip/a/t.csv", "z.zip/a/t.csv (2)"]


@pytest.mark.parametrize(
    ("declared", "text", "told"),
    [
        (",", "工单编号;状态\n1;ok\n", "one column with comma as delimiter, 2 with semicolon (工单编号, 状态 …)"),
        (",", "工单编号\t状态\n1\tok\n", 'Declare the feed\'s `delimiter: "\\t"`'),
        ("\t", "工单编号,状态\n1,ok\n", 'Declare the feed\'s `delimiter: ","`'),
    ],
)
def test_a_wrong_delimiter_is_told_with_the_one_that_fits(read: Callable, declared: str, text: str, told: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read({"t.csv": text}, delimiter=declared)
    assert "t.csv: line 1: " in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.code == "SM202"


def test_one_column_without_any_mapped_name_is_read(read: Callable) -> None:
    """Nothing says that another delimiter is better; the names are somebody's data perhaps."""
    assert read({"t.csv": "王芳;13812345678\n1;2\n"}).cells == [(None, "1;2")]


def test_title_lines_and_names_from_the_feed(read: Callable) -> None:
    text = "工单导出\r\n2026-06-01,\r\n\r\nid,status\r\n1,a\r\nbad\r\n"
    got = read({"t.csv": text}, skip_rows=2)
    assert got.cells == [(None, "1", "a"), ("bad", None, None)]
    assert "line 6: 1 column" in note(got)  # as the file counts them
    assert read({"t.tsv": "1\ta\n2\tb\n"}, header=["id", "status"]).cells == [(None, "1", "a"), (None, "2", "b")]
    assert read({"t.csv": ""}, header=["id", "status"]).read.notes == ["t.csv: no records"]


def test_a_header_alone_is_recorded(read: Callable) -> None:
    got = read({"t.csv": "id,status\n"})
    assert (got.read.columns, got.rows, got.read.notes) == (["id", "status"], [], ["t.csv: no records"])


def test_doubled_columns_are_named_if_the_feed_knows_them(read: Callable) -> None:
    with pytest.raises(UnreadableFileError, match=r"t.csv: line 1: columns 1 and 3 have the same name \(ID\)"):
        read({"t.csv": "id,x,ID\n1,2,3\n"})
    with pytest.raises(UnreadableFileError) as caught:
        read({"t.csv": "王芳,1,王芳\n"})
    assert "columns 1 and 3 have the same name. Each" in str(caught.value)


def test_nul_bytes_are_kept_and_told(read: Callable) -> None:
    got = read({"t.csv": "id,status\n1,a\n2,x\0y\n"})
    assert got.cells[1] == (None, "2", "x\0y")
    assert got.read.notes == ["t.csv: line 3: 1 NUL bytes in the file, kept as they are"]


def test_formulas_stay_text(read: Callable) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", '=HYPERLINK("http://x")']
    lines = "".join('{},"{}"\n'.format(n, text.replace('"', '""')) for n, text in enumerate(formulas))
    assert [row[2] for row in read({"t.csv": "id,status\n" + lines}).cells] == formulas


def test_records_inside_cells_are_no_records(read: Callable) -> None:
    """At the ends of DuckDB's buffers a parallel reader would take them for some."""
    lines = 20_000
    record = '{},"x\n7,8\n7,8\n7,8\n7,8\n7,8\n7,8\n7,8\n7,8\n7,8\n7,8 ""q"" ,\n"\n'
    got = read({"t.csv": "id,status\n" + "".join(record.format(number) for number in range(lines))})
    assert [row[3] for row in got.rows] == [str(number) for number in range(lines)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("chunk", [1, 2, 5, 7])
def test_line_ends_marks_and_letters_across_the_ends_of_what_is_read_at_once(
    read: Callable, monkeypatch: pytest.MonkeyPatch, end: str, chunk: int
) -> None:
    monkeypatch.setattr("include.sources.readers.text._CHUNK", chunk)
    text = f'{end}编号,状态{end}{end}1,"未完成{end}{end}二""行"{end}bad{end}2,b'
    rows = [(None, "1", '未完成\n\n二"行'), ("bad", None, None), (None, "2", "b")]
    for encoding in ("utf-8", "utf-16", "gb18030"):
        assert read({"t.csv": text.encode(encoding)}, encoding=["utf-8", "gb18030"]).cells == rows


def test_delimiters_at_the_end_of_lines_are_no_columns(read: Callable) -> None:
    good = read({"t.csv": "id,status\n1,a,\n2,b,,\n"})
    assert good.cells == [(None, "1", "a"), (None, "2", "b")]
    assert read({"t.csv": "id,status\n1,a,\n2,b,,\nbad\n"}).cells[:2] == good.cells


# --- against a slow, obvious reader ---------------------------------------------------------------------------------


def reference(text: str, width: int) -> list[tuple[str, ...] | str] | None:
    """Records character by character: cells, or the text of a line that is none; null if a quote is misplaced."""
    records: list[tuple[str, ...] | str] = []
    position = 0
    while position < len(text):
        start, cells = position, []
        while True:
            if text[position : position + 1] == '"':
                cell, position = "", position + 1
                while True:
                    end = text.find('"', position)
                    if end < 0:
                        return None
                    cell, position = cell + text[position:end], end + 1
                    if text[position : position + 1] != '"':
                        break
                    cell, position = cell + '"', position + 1
                if text[position : position + 1] not in ("", ",", "\n"):
                    return None
            else:
                end = position
                while end < len(text) and text[end] not in ",\n":
                    end += 1
                cell, position = text[position:end], end
            cells.append(cell)
            sign, position = text[position : position + 1], position + 1
            if sign != ",":
                break
        raw = text[start : position - 1]
        if raw:
            while len(cells) > width and not cells[-1]:
                cells.pop()
            records.append(tuple(cells) if len(cells) == width else raw)
    return records


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='a,"\n', max_size=24))
@example('a,5"\na,"')
@example('"a\n",a\n"')
@example('a"\n\n"a",""""\n')
def test_reading_agrees_with_a_slow_reader_and_loses_no_line(read: Callable, body: str) -> None:
    got = read({"t.csv": "h1,h2\n" + body})
    expected = reference(body, 2)
    if expected is not None:
        assert [row[0] or tuple(cell or "" for cell in row[1:]) for row in got.cells] == expected
    taken = sorted(sign for row in got.cells for cell in row if cell for sign in cell if sign == "a")
    assert len(taken) == body.count("a")


def test_the_received_file_is_never_changed(read: Callable, tmp_path: Path) -> None:
    text = b'\xef\xbb\xbfid,status\r\n1,"a\r\nbad'
    read({"t.csv": text})
    assert [path.read_bytes() for path in tmp_path.glob("*/0/t.csv")] == [text]
