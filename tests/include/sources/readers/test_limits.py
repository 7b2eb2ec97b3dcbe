"""What a file may cost: bombs are refused with a reason, large honest files are read, memory stays bounded."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from include.sources.file_reader import ReadLimits, UnreadableFileError

MAX_RSS_MB = 1500
XMLNS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/s.xml" ContentType="{TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{TYPES}.sharedStrings+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {XMLNS} xmlns:r="{RELATIONS}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/s.xml"/>'
    f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + "]>"
)


def spreadsheet(sheet: str | Iterable[str], strings: str = "", before: str = "") -> bytes:
    """An XLSX file, its sheet written by hand."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in PARTS.items():
            archive.writestr(name, content)
        archive.writestr("xl/sharedStrings.xml", f"<sst {XMLNS}>{strings}</sst>")
        with archive.open("xl/worksheets/s.xml", "w") as part:
            part.write(f"{before}<worksheet {XMLNS}>".encode())
            for piece in [sheet] if isinstance(sheet, str) else sheet:
                part.write(piece.encode())
            part.write(b"</worksheet>")
    return buffer.getvalue()


def repeated(line: str, times: int) -> bytes:
    """A header and equal lines as gzip, in an instant."""
    block = gzip.compress(line.encode() * (times // 80))
    return gzip.compress(b"id,status,text\n") + block * 80


def test_eight_million_equal_rows_in_little_are_refused(read: Callable) -> None:
    content = repeated("1,open," + "x" * 14 + "\n", 8_000_000)
    assert len(content) < 600_000
    told = (
        r"t\.csv\.gz: its \d+ bytes unpack to more than 200 times as much \(stopped after \d+ MB\).*METRICS_MAX_RATIO"
    )
    with pytest.raises(UnreadableFileError, match=told) as caught:
        read({"t.csv.gz": content})
    assert caught.value.code == "SM204"


def test_what_is_small_may_be_as_repetitive_as_it_likes(read: Callable) -> None:
    content = repeated("1,open,\n", 400_000)
    assert len(content) < 400_000 * 8 / 200
    assert len(read({"t.csv.gz": content}).rows) == 400_000


def test_a_zip_bomb_is_refused(read: Callable, zipped: Callable) -> None:
    bomb = zipped({"a.csv": b"id\n" + b"0" * 70_000_000})
    with pytest.raises(UnreadableFileError, match=r"^t\.zip: its \d+ bytes unpack to more than 200 times"):
        read({"t.zip": bomb})
    both = zipped({"a.csv": b"id\n" + b"1\n" * 18_000_000, "b.csv": b"id\n" + b"1\n" * 18_000_000})
    with pytest.raises(UnreadableFileError, match=r"^t\.zip: its \d+ bytes unpack to more than 200 times"):
        read({"t.zip": both})


@pytest.mark.parametrize(
    ("files", "limits", "told"),
    [
        ({"t.csv": "id\n" + "1\n" * 600_000}, {"max_file_mb": 1}, "larger than 1 MB.*METRICS_MAX_FILE_MB"),
        ({"t.csv.gz": gzip.compress(b"id\n" * 600_000)}, {"max_file_mb": 1}, "larger than 1 MB"),
        ({"t.csv": "id\n1\n2\n3\n"}, {"max_rows": 2}, "t.csv: more than 2 records.*METRICS_MAX_ROWS"),
        ({"a.csv": "id\n1\n2\n", "b.jsonl": '{"id": 3}\n'}, {"max_rows": 2}, "a.csv, b.jsonl: more than 2 records"),
        ({"t.csv": ",".join(f"c{n}" for n in range(3001)) + "\n"}, {}, "line 1: 3001 columns; at most 3000"),
        ({"t.csv": "id,status\n1,a\n2," + "x" * 17_000_000 + "\n"}, {}, "line 3: longer than 16 MB"),
    ],
)
def test_limits_are_told_with_their_setting(read: Callable, files: dict, limits: dict, told: str) -> None:
    with pytest.raises(UnreadableFileError, match=told) as caught:
        read(files, limits=ReadLimits(**limits))
    assert caught.value.code == "SM204"


def test_many_columns_are_read(read: Callable) -> None:
    names = [f"c{number}" for number in range(1500)]
    got = read({"t.csv": ",".join(names) + "\n" + (",".join(names) + "\n") * 30})
    assert got.cells == [(None, *names)] * 30


SHEETS = {
    "two corners": (
        lambda: spreadsheet(f'<sheetData>{HEADER}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
        "SM204",
        "takes more than 1024 MB of memory",
    ),
    "equal strings": (
        lambda: spreadsheet(
            f"<sheetData>{HEADER}"
            + "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 60_000))
            + "</sheetData>",
            strings=f"<si><t>{'x' * 32_000}</t></si>",
        ),
        "SM204",
        "takes more than 1024 MB of memory",
    ),
    "spaces": (
        lambda: spreadsheet(["<sheetData>", *[" " * 1_000_000] * 300, f"{HEADER}</sheetData>"]),
        "SM204",
        "unpack to 300 MB, over 200 times as much",
    ),
    "laughs": (
        lambda: spreadsheet(
            f'<sheetData>{HEADER}<row r="2"><c r="A2" t="inlineStr"><is><t>&k;</t></is></c></row></sheetData>',
            before=LAUGHS,
        ),
        "SM203",
        "damaged",
    ),
}


@pytest.mark.parametrize("bomb", SHEETS)
def test_spreadsheet_bombs_are_refused(read: Callable, bomb: str) -> None:
    make, code, told = SHEETS[bomb]
    with pytest.raises(UnreadableFileError, match=rf"^t\.xlsx: .*{told}") as caught:
        read({"t.xlsx": make()})
    assert caught.value.code == code


def test_a_spreadsheet_that_only_claims_to_be_huge_is_read(read: Callable) -> None:
    claim = f'<dimension ref="A1:XFD1048576"/><sheetData>{HEADER}<row r="2"><c r="A2"><v>1</v></c></row></sheetData>'
    assert read({"t.xlsx": spreadsheet(claim)}).cells == [(None, "1")]


# --- memory, measured in a process of its own -----------------------------------------------------------------------

MEASURE = """
import json, resource, sys, tempfile
from pathlib import Path
from include.sources.file_reader import ReadLimits, UnreadableFileError, read_to_parquet
from include.sources.schema import Feed

declared = {"delivery": "incremental", "files": "*", "entities": {"ticket": {}}}
feed = Feed.model_validate(declared | json.loads(sys.argv[2]))
with tempfile.TemporaryDirectory(dir=Path(sys.argv[1]).parent) as scratch:
    try:
        read = read_to_parquet(
            [Path(sys.argv[1])], feed, Path(scratch) / "rows.parquet", Path(scratch), ReadLimits(max_ratio=100_000)
        )
        result = [read.records, None, len(read.notes)]
    except UnreadableFileError as error:
        result = [None, error.code, 0]
# Not `ru_maxrss` of this process: it begins with that of the one that started it.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([*result, (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024]))
"""


def measured(path: Path, **feed: object) -> tuple[int | None, str | None, int, int]:
    """Records, code of the error, number of notes, and the peak of memory of reader and child together, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), json.dumps(feed)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(json.loads(done.stdout))


def test_memory_of_millions_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(repeated("1,open,\n", 2_000_000))
    records, _, _, peak = measured(path)
    assert (records, peak < 600) == (2_000_000, True)


@pytest.mark.soak
def test_memory_of_eight_million_rows_that_are_let_in(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(repeated("1234567,open," + "x" * 60 + "\n", 8_000_000))
    records, _, _, peak = measured(path)
    assert (records, peak < MAX_RSS_MB) == (8_000_000, True)


@pytest.mark.soak
def test_memory_of_a_file_that_is_all_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,status\n1,"open\n' + "2,a line that follows\n" * 8_000_000)
    records, _, notes, peak = measured(path)
    assert (records, notes, peak < MAX_RSS_MB) == (8_000_001, 1, True)


@pytest.mark.soak
def test_memory_of_a_gigabyte_of_large_cells(tmp_path: Path) -> None:
    """It is more than DuckDB can hold of them at once: refused, within the limit."""
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.write(b"id,status\n")
        for number in range(200):
            file.write(b"%d,%b\n" % (number, b"x" * 5_000_000))
    _, code, _, peak = measured(path)
    assert (code, peak < MAX_RSS_MB) == ("SM204", True)


@pytest.mark.soak
def test_memory_of_a_million_documents(tmp_path: Path) -> None:
    record = '{"id": %d, "custom": {"a": 1, "b": [1, 2, 3], "c": "text of some length"}, "tags": ["x", "y"]}'
    for name, before, between, after in [("t.jsonl", "", "\n", "\n"), ("t.json", "[", ",\n", "]")]:
        path = tmp_path / name
        path.write_text(before + between.join(record % number for number in range(1_000_000)) + after)
        records, _, _, peak = measured(path)
        assert (records, peak < MAX_RSS_MB) == (1_000_000, True)


@pytest.mark.soak
@pytest.mark.parametrize(("columns", "expected"), [(5, (1_000_000, None)), (20, (None, "SM204"))])
def test_memory_of_a_sheet_of_a_million_rows(tmp_path: Path, columns: int, expected: tuple) -> None:
    letters = "ABCDEFGHIJKLMNOPQRST"[:columns]
    rows = (
        f'<row r="{row}">' + "".join(f'<c r="{letter}{row}"><v>{row}</v></c>' for letter in letters) + "</row>"
        for row in range(1, 1_000_001)
    )
    path = tmp_path / "t.xlsx"
    path.write_bytes(spreadsheet(itertools.chain(["<sheetData>"], rows, ["</sheetData>"])))
    records, code, _, peak = measured(path, header=[f"c{number}" for number in range(columns)])
    assert ((records, code), peak < MAX_RSS_MB) == (expected, True)
