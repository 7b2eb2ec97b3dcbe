"""Files as they come: every record in its place, and a file that is no CSV named instead of raised."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from include.sources.file_reader import UnreadableFileError, read_files
from include.sources.schema import Feed
from include.sql import quoted


def read(folder: Path, *contents: bytes | str, **feed: object) -> tuple[list[str], list[tuple[object, ...]]]:
    """Columns and rows (record, unparsable text, cells) of a delivery of these files."""
    declared = Feed.model_validate({"delivery": "incremental", "files": "*", "entities": {"team": {}}, **feed})
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"file{number}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    con = duckdb.connect()
    columns, _ = read_files(con, paths, declared, folder)
    cells = ", ".join(map(quoted, columns))
    return columns, con.execute(f"select _row_number, _unparsable, {cells} from raw order by 1").fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\n1,2\r\nbad\r\n3,4\r\n",
        "a,b\n1,2\nbad\n3,4",
        "a,b\r\n1,2\nbad\r\n3,4\n",  # both kinds of line end
        "a,b\r1,2\rbad\r3,4\r",
        "\n\na,b\n1,2\nbad\n3,4\n",
        "\ufeffa,b\n1,2\nbad\n3,4\n",
    ],
)
def test_line_ends_and_blank_lines_before_the_header(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == (["a", "b"], [(1, None, "1", "2"), (2, "bad", None, None), (3, None, "3", "4")])


def test_bad_lines_among_quoted_line_breaks_keep_their_places(tmp_path: Path) -> None:
    _, rows = read(tmp_path, 'a,b\nbad1\nbad2\n1,"x\ny"\nbad3\n2,"p\n\nq"\nbad4\n')
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (1, "bad1", None),
        (2, "bad2", None),
        (3, None, "1"),
        (4, "bad3", None),
        (5, None, "2"),
        (6, "bad4", None),
    ]


def test_blank_lines_leave_no_gap_in_the_numbers(tmp_path: Path) -> None:
    _, rows = read(tmp_path, "a,b\n\n\n\n1,2\nbad\n\n3,4\n")
    assert sorted(row[0] for row in rows) == [1, 2, 3]


def test_columns_named_like_ours_keep_their_cells(tmp_path: Path) -> None:
    columns, rows = read(tmp_path, "_row_number,_FILE,_unparsable,_cell,record\n7,8,9,10,11\nbad\n")
    assert columns == ["_row_number_", "_FILE_", "_unparsable_", "_cell_", "record"]
    assert rows[0] == (1, None, "7", "8", "9", "10", "11")
    assert rows[1][1] == "bad"


def test_a_column_without_a_name_takes_none_that_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, "a,,column_2\n1,2,3\n") == (["a", "column_2_", "column_2"], [(1, None, "1", "2", "3")])


def test_names_that_differ_in_case_are_one_column_of_two_files(tmp_path: Path) -> None:
    assert read(tmp_path, "ID,b\n1,2\n", "id,c\n3,4\n") == (
        ["ID", "b", "c"],
        [(1, None, "1", "2", None), (2, None, "3", None, "4")],
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "line 1: empty"),
        ("\n\n", "line 1: empty"),
        ("ID,id\n1,2\n", "columns 1 and 2 have the same name"),
        ('"a,b\n' + "1,2\n" * 50_000, "the header does not end"),
        (b"a,b\n1,2\n\xff\xfe\n", "line 3, column 1: not utf-8"),
    ],
)
def test_what_is_no_csv_is_named(tmp_path: Path, content: bytes | str, problem: str) -> None:
    with pytest.raises(UnreadableFileError, match=rf"file0\.csv: .*{problem}"):
        read(tmp_path, content)


def test_a_header_alone_is_a_delivery_of_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n") == (["a", "b"], [])
    assert read(tmp_path, "a,b") == (["a", "b"], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_more_than_the_feed(tmp_path: Path, encoding: str) -> None:
    """GB18030 would read most UTF-8 without complaint, as other words."""
    content = "名,值\n中文,1\n".encode(encoding)
    assert read(tmp_path, content, encoding=["gb18030"]) == (["名", "值"], [(1, None, "中文", "1")])


def test_cells_with_sql_jinja_and_control_characters_stay_as_they_are(tmp_path: Path) -> None:
    cells = ["'; drop table raw; --", "{{ config() }} {% raw %} {batch}", "100%s $path ?", "a\x00b", "x;y|z", "\\"]
    text = ",".join(f"c{n}" for n in range(len(cells))) + "\n" + ",".join(cells) + "\n"
    assert read(tmp_path, text)[1] == [(1, None, *cells)]


def test_a_cell_of_5_mb_is_a_cell(tmp_path: Path) -> None:
    _, rows = read(tmp_path, "a,b\n1," + "x" * 5_000_000 + "\n2,3\n")
    assert [(row[0], row[2], len(str(row[3]))) for row in rows] == [(1, "1", 5_000_000), (2, "2", 1)]
