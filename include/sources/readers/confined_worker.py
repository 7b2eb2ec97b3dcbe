"""The child of `confined`: sets its own limits, parses one file, answers in JSON.

It imports next to nothing of the project, which would cost more than a small file.
"""

from __future__ import annotations

import csv
import datetime as dt
import errno
import json
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from include.processes import die_with_parent

_WHOLE_FLOATS = 1 << 53
_ERROR_MARK = b't="e"'


class FaultError(Exception):
    """What is wrong with the file."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind


def main() -> None:
    """Do what the first argument (JSON) says; the answer goes to standard output."""
    order = json.loads(sys.argv[1])
    _confine(order)
    tasks = {"list_records": list_records, "write_cells": write_cells}
    try:
        answer = tasks[order["task"]](order)
    except FaultError as error:
        answer = {"fault": error.kind, "problem": str(error)}
    except OSError as error:
        answer = {"fault": "damaged", "problem": str(error)}
        if error.errno == errno.EFBIG:
            answer = {"fault": "limit", "problem": "its content as text is larger than METRICS_MAX_FILE_MB allows"}
    print(json.dumps(answer))


def _confine(order: dict[str, Any]) -> None:
    """Bound memory, the size of what is written, and time; die with the parent."""
    memory = order["memory_mb"] * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["max_bytes"], order["max_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["seconds"], order["seconds"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    die_with_parent(order["parent"])


# --- JSON -----------------------------------------------------------------------------------------------------------


def list_records(order: dict[str, Any]) -> dict[str, Any]:
    """Write the objects of a list inside a JSON document, one a line."""
    try:
        with Path(order["source"]).open(encoding="utf-8") as file:
            document = json.load(file)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        if error.msg == "Extra data":
            raise FaultError("format", f"{place}: a second document begins. Declare `format: jsonl`?") from error
        raise FaultError("format", f"{place}: no JSON, or cut off") from error
    except RecursionError as error:
        raise FaultError("limit", "nested hundreds of levels deep") from error
    path = order["records"]
    found = [document] if path == "." else _at(document, path.split(".") if path else [])
    if not isinstance(found, list):
        lists = ", ".join(_lists(document)) or "none"
        wanted = f"no list at `records: {path}`" if path else "an object, where a list of records was expected"
        raise FaultError("format", f"{wanted}. Declare the feed's `records`; lists in it: {lists}")
    with Path(order["target"]).open("w", encoding="utf-8") as out:
        for record in found:
            out.write(json.dumps(record, ensure_ascii=False))
            out.write("\n")
    return {"records": len(found)}


def _at(document: Any, path: list[str]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _lists(document: Any, path: tuple[str, ...] = (), depth: int = 4) -> list[str]:
    if isinstance(document, list):
        return [".".join(path)]
    if not isinstance(document, dict) or not depth:
        return []
    return [found for key, inner in document.items() for found in _lists(inner, (*path, key), depth - 1)]


# --- spreadsheets ---------------------------------------------------------------------------------------------------


def write_cells(order: dict[str, Any]) -> dict[str, Any]:
    """Write the records of a sheet as CSV without its header, cells as text; what was found."""
    import python_calamine as calamine  # noqa: PLC0415 - after the limits are set

    with Path(order["source"]).open("rb") as file:
        try:
            # By its content, not its name: `.xls` is often the new format.
            book = calamine.CalamineWorkbook.from_filelike(file)
            name = _sheet_name(book.sheet_names, order["sheet"])
            sheet = book.get_sheet_by_name(name)
        except calamine.PasswordError as error:
            raise FaultError("damaged", "protected by a password. Ask for it without") from error
        except calamine.CalamineError as error:
            raise FaultError("damaged", f"no spreadsheet, or a damaged one ({error})") from error
        except BaseException as error:  # a panic of the library is one
            if isinstance(error, FaultError | MemoryError | KeyboardInterrupt | SystemExit):
                raise
            raise FaultError("damaged", f"a damaged spreadsheet ({type(error).__name__})") from error
    answer = _written(sheet, _error_cells(order["source"], name), order)
    merged = [one for one in sheet.merged_cell_ranges or [] if one[1][0] >= answer["first_row"] - 1]
    return {
        **answer,
        "sheet": name,
        "other_sheets": [other for other in book.sheet_names if other != name],
        "merged": len(merged),
    }


def _sheet_name(names: list[str], wanted: str | int | None) -> str:
    listed = ", ".join(names) or "none"
    if isinstance(wanted, str):
        if wanted in names:
            return wanted
        raise FaultError("format", f"no sheet {wanted}; it has {listed}")
    number = wanted or 1
    if number > len(names):
        raise FaultError("format", f"no sheet {number}; it has {listed}")
    return names[number - 1]


def _rows(sheet: Any, errors: dict[tuple[int, int], str]) -> Iterator[list[str]]:
    """Rows of a sheet as text: from its first row on, and from the first column that holds anything."""
    faulty: dict[int, list[tuple[int, str]]] = {}
    first_column = sheet.start[1] if sheet.start else 0
    for (row, column), error in errors.items():
        faulty.setdefault(row, []).append((column - first_column, error))
    for number, cells in enumerate(sheet.iter_rows()):
        texts = [_text(cell) for cell in cells]
        for column, error in faulty.get(number, ()):
            if 0 <= column < len(texts):
                texts[column] = error
        yield texts


def _written(sheet: Any, errors: dict[tuple[int, int], str], order: dict[str, Any]) -> dict[str, Any]:
    """Write the records; the header, where it stands, and how many records and empty rows among them there are."""
    width = max(sheet.width, len(order["header"]))
    header: list[str] = list(order["header"])
    first_row, last_row, records, empty, waiting = 0, 0, 0, 0, 0
    with Path(order["target"]).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for number, texts in enumerate(_rows(sheet, errors), start=1):
            if number <= order["skip_rows"]:
                continue
            if not any(texts):
                waiting += bool(records)
                continue
            first_row = first_row or number
            if not header:
                header = texts
                continue
            empty, waiting = empty + waiting, 0
            writer.writerow(texts + [""] * (width - len(texts)))
            records += 1
            last_row = number
    return {
        "header": header + [""] * (width - len(header)) if header else [],
        "first_row": first_row,
        "last_row": last_row,
        "records": records,
        "empty_rows": empty,
    }


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) <= _WHOLE_FLOATS:
            return str(int(cell))
        text = repr(cell)
        return format(Decimal(text), "f") if "e" in text else text
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, dt.timedelta):
        hours, rest = divmod(cell, dt.timedelta(hours=1))
        return f"{hours:02}:{str(rest).partition(':')[2]}"
    return str(cell)


def _error_cells(path: str, sheet: str) -> dict[tuple[int, int], str]:
    """Texts of the cells of an XLSX sheet that hold an error (`#N/A`), by row and column from 0.

    The library gives them as empty.
    """
    found: dict[tuple[int, int], str] = {}
    if not zipfile.is_zipfile(path):
        return found
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        if part is None:
            return found
        with archive.open(part) as file:
            buffer = b""
            while chunk := file.read(1 << 20):
                buffer += chunk
                start = 0
                while (mark := buffer.find(_ERROR_MARK, start)) >= 0:
                    end = buffer.find(b"</c>", mark)
                    if end < 0:
                        break
                    _add_error(buffer[buffer.rfind(b"<", 0, mark) : end], found)
                    start = end
                # A cell that may go on in the next chunk stays.
                buffer = buffer[max(start, buffer.rfind(b"<c", start), 0) :][-(1 << 20) :]
    return found


def _add_error(cell: bytes, found: dict[tuple[int, int], str]) -> None:
    place = re.search(rb'\br="([A-Z]{1,3})([0-9]{1,7})"', cell)
    value = re.search(rb"<v>([^<]{1,40})</v>", cell)
    if place and value:
        column = 0
        for letter in place[1]:
            column = column * 26 + letter - 64
        found[int(place[2]) - 1, column - 1] = value[1].decode("utf-8", "replace")


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of an XLSX file that holds a sheet."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError, zipfile.BadZipFile):
        return None
    entry = next((one for one in book.iter() if one.get("name") == sheet), None)
    key = next((value for name, value in entry.items() if name.endswith("}id")), None) if entry is not None else None
    target = next((one.get("Target") for one in relations if one.get("Id") == key), None)
    name = target.lstrip("/") if target and target.startswith("/") else f"xl/{target}"
    return name if name in archive.namelist() else None


if __name__ == "__main__":
    main()
