"""How an unknown file is to be read: its kind, encoding, delimiter, the line or sheet where its records begin."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ijson

from include.sources.file_reader import ReadLimits, UnreadableFileError
from include.sources.readers.archives import KINDS, Content, contents_of
from include.sources.readers.confined import run_confined
from include.sources.schema import EntityMapping, Feed

_HEAD = 1 << 20
_CHUNK = 1 << 20
_LINES = 200
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8"))
_DELIMITERS = ",;\t|"
_PACKED = (".gz", ".zip")
_MAX_TITLE_ROWS = 10
_MAX_SHEETS = 10
# Of a text that is read as Chinese, so many of its characters are in everyday use.
_EVERYDAY_SHARE = 0.9


@dataclass(frozen=True)
class FileShape:
    """What a feed says of its files: keys of a feed's YAML, and doubts by key (names of messages)."""

    options: dict[str, Any]
    doubts: dict[str, str] = field(default_factory=dict)

    def feed(self, **more: Any) -> Feed:
        """A feed that reads the file; it maps nothing unless `more` says what."""
        return Feed.model_validate(
            {"delivery": "incremental", "files": "*", "entities": _NOTHING, **self.options, **more}
        )


_NOTHING = {"ticket": EntityMapping()}


def shape_of(path: Path, scratch: Path, limits: ReadLimits) -> FileShape:
    """Find out how to read a file; `scratch` is a folder for what is unpacked.

    Raises:
        UnreadableFileError: nothing here can read it.
    """
    kind = None if path.suffix.lower() in _PACKED else _kind_by_content(path)
    by_name = KINDS.get(path.suffix.lower())
    options: dict[str, Any] = {}
    if kind and kind != by_name and not ({kind, by_name} <= {"xlsx", "xls"} or {kind, by_name} <= {"json", "jsonl"}):
        options["format"] = kind
    shape = FileShape(options)
    content = contents_of(path, shape.feed(), scratch, limits, [])[0]
    match content.kind:
        case "csv":
            return _csv_shape(content, options)
        case "xlsx" | "xls":
            return _sheet_shape(content, options, scratch, limits)
        case "json":
            return _json_shape(content, options)
        case "jsonl":
            return FileShape({**options, **_encoding_option(_encoding_of(content)[0])})
    return shape


def _kind_by_content(path: Path) -> str | None:
    """The kind that a file's first bytes tell, or null for text."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if head.startswith(b"PK"):
        return "xlsx"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"{", b"[")) and KINDS.get(path.suffix.lower()) not in ("csv", "json", "jsonl"):
        return "jsonl" if text.startswith(b"{") and b"}\n{" in text.replace(b"\r", b"") else "json"
    by_name = KINDS.get(path.suffix.lower())
    # Text under the name of a spreadsheet is what many systems call an export to Excel (but HTML isn't read).
    return "csv" if by_name in (None, "xls", "xlsx", "parquet") and text[:1] not in (b"<", b"") else None


# --- text -----------------------------------------------------------------------------------------------------------


def _csv_shape(content: Content, options: dict[str, Any]) -> FileShape:
    encoding, doubt = _encoding_of(content)
    doubts = {"encoding": doubt} if doubt else {}
    lines = _first_lines(content.path, encoding)
    delimiter = max(_DELIMITERS, key=lambda one: _evenness(lines, one))
    rows = [row for _, row in _rows(lines, delimiter)]
    found = {**options, **_encoding_option(encoding)}
    if delimiter != ("\t" if content.suffix == ".tsv" else ","):
        found["delimiter"] = delimiter
    width = _usual_width(rows)
    before = next((line for line, row in _rows(lines, delimiter) if _is_full(row, width)), 1) - 1
    if before and width > 1:
        found["skip_rows"] = before
        doubts["skip_rows"] = "title_lines"
    header = next((row for row in rows if _is_full(row, width)), [])
    if header and _looks_like_data(header):
        found["header"] = [f"column_{number}" for number in range(1, len(header) + 1)]
        doubts["header"] = "no_header"
    return FileShape(found, doubts)


def _encoding_option(encoding: str) -> dict[str, Any]:
    """Nothing where it is the default; a mark outweighs what is declared, so UTF-16 with one needs no word."""
    return {} if encoding in ("utf-8", "utf-16") else {"encoding": [encoding]}


def _encoding_of(content: Content) -> tuple[str, str | None]:
    """The first encoding in which all of a text can be read, and a doubt about it."""
    with content.path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, None
    if head.count(b"\0") > len(head) / 4:
        return ("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"), "encoding_by_zeros"
    if _reads(content.path, "utf-8"):
        return "utf-8", None
    if _reads(content.path, "gb18030"):
        text = head.decode("gb18030", errors="ignore")
        foreign = [one for one in text if not one.isascii()]
        everyday = sum(len(one.encode("gb2312", errors="ignore")) > 0 for one in foreign)
        if everyday >= _EVERYDAY_SHARE * len(foreign):
            return "gb18030", None
    return ("cp1252" if _reads(content.path, "cp1252") else "latin-1"), "encoding_guessed"


def _reads(path: Path, encoding: str) -> bool:
    """Whether all of a file can be decoded."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(_CHUNK):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _first_lines(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=encoding, errors="replace") as file:
        lines = [line for _, line in zip(range(_LINES), file, strict=False)]
    return [lines[0].removeprefix("\ufeff"), *lines[1:]] if lines else []


def _rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records of some lines, each with the number (from 1) of its first line."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except (StopIteration, csv.Error):
            return
        yield line, row
        line = reader.line_num + 1


def _evenness(lines: list[str], delimiter: str) -> float:
    """How well a delimiter cuts lines into records of one width: cells of the records that have it."""
    rows = [row for _, row in _rows(lines, delimiter) if row]
    width = _usual_width(rows)
    even = sum(len(row) == width for row in rows)
    return even / len(rows) * min(width - 1, 20) if rows else 0.0


def _usual_width(rows: list[list[str]]) -> int:
    widths = Counter(len(row) for row in rows if row)
    return max(widths, key=lambda width: (widths[width], width)) if widths else 1


def _is_full(row: list[str], width: int) -> bool:
    return len(row) == width and sum(bool(cell.strip()) for cell in row) * 2 > width


def _looks_like_data(header: list[str]) -> bool:
    """Whether most cells of a header are numbers or times, as no header's are."""
    digits = [sum(one.isdigit() for one in cell) * 2 > len(cell.strip()) for cell in header if cell.strip()]
    return sum(digits) * 2 > len(digits) and len(digits) > 1


# --- spreadsheets and JSON ------------------------------------------------------------------------------------------


def _sheet_shape(content: Content, options: dict[str, Any], scratch: Path, limits: ReadLimits) -> FileShape:
    """The sheet with the most records, and what stands above its header."""
    first = _sheet(content, scratch, limits, sheet=1)
    found, doubts, best = dict(options), {}, first
    for name in first["other_sheets"][:_MAX_SHEETS]:
        other = _sheet(content, scratch, limits, sheet=name)
        if other["records"] > best["records"]:
            best, found["sheet"], doubts["sheet"] = other, name, "largest_sheet"
    sheet = found.get("sheet", 1)
    while _is_title(best["header"]) and best["first_row"] <= _MAX_TITLE_ROWS and best["records"]:
        found["skip_rows"], doubts["skip_rows"] = best["first_row"], "title_lines"
        best = _sheet(content, scratch, limits, sheet=sheet, skip_rows=best["first_row"])
    return FileShape(found, doubts)


def _sheet(
    content: Content, scratch: Path, limits: ReadLimits, *, sheet: str | int, skip_rows: int = 0
) -> dict[str, Any]:
    target = scratch / "sheet.csv"
    return run_confined(
        "write_cells", content.name, content.path, target, limits, sheet=sheet, skip_rows=skip_rows, header=[]
    )


def _is_title(header: list[str]) -> bool:
    return len(header) > 2 and sum(bool(cell.strip()) for cell in header) * 2 <= len(header)


def _json_shape(content: Content, options: dict[str, Any]) -> FileShape:
    """Where the first list of objects stands in a JSON document."""
    encoding, doubt = _encoding_of(content)
    found = {**options, **_encoding_option(encoding)}
    doubts = {"encoding": doubt} if doubt else {}
    if _is_json_lines(_first_lines(content.path, encoding)):
        return FileShape({**found, "format": "jsonl"}, doubts)
    with content.path.open(encoding=encoding) as text:
        try:
            previous = ("", "")
            for prefix, event, _ in ijson.parse(_Utf8(text)):
                if event == "start_map" and previous[1] == "start_array":
                    if previous[0] and previous[0] != "item":
                        found["records"] = previous[0]
                        doubts["records"] = "list_of_records"
                    return FileShape(found, doubts)
                previous = (prefix, event)
        except ijson.JSONError as error:
            raise UnreadableFileError(f"{content.name}: no JSON, or cut off") from error
    return FileShape(found, doubts)


def _is_json_lines(lines: list[str]) -> bool:
    """Whether a document under the name of JSON is one object a line."""
    records = [line for line in lines if line.strip()][:2]
    try:
        return len(records) == 2 and all(isinstance(json.loads(line), dict) for line in records)
    except ValueError:
        return False


class _Utf8:
    """A text file as the UTF-8 bytes that the parser wants."""

    def __init__(self, text: Any) -> None:
        self.text = text

    def read(self, size: int = -1) -> bytes:
        return str(self.text.read(size)).removeprefix("\ufeff").encode()
