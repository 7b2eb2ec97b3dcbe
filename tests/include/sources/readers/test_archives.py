"""Packed files: what is data is read, what is not is named, and nothing is written where a member wants to lie."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from include.sources.file_reader import UnreadableFileError

CSV = "id,status\n1,a\n"


def test_gzip_of_every_text_format(read: Callable, gzipped: Callable) -> None:
    files = {
        "a.csv.gz": gzipped(CSV),
        "b.TSV.GZ": gzipped("id\tstatus\n2\tb\n"),
        "c.json.gz": gzipped('[{"id": 3}]'),
        "d.jsonl.gz": gzipped('{"id": 4}\n'),
    }
    assert [(row[1], row[3]) for row in read(files).rows] == list(zip(files, "1234", strict=True))


def test_stray_members_are_passed_over_and_named(read: Callable, zipped: Callable) -> None:
    strays = ["__MACOSX/._a.csv", ".hidden.csv", "Thumbs.db", "README.csv", "说明.txt", "about.pdf", "notes.txt"]
    members = {"b/工单.csv": CSV, "a.csv.gz": gzip.compress(b"id,status\n2,b\n"), "b/": ""}
    got = read({"t.zip": zipped({**members, **dict.fromkeys(strays, "stray")})})
    assert [(row[1], row[3]) for row in got.rows] == [("t.zip/a.csv.gz", "2"), ("t.zip/b/工单.csv", "1")]
    [note] = got.read.notes
    assert note.startswith("t.zip: passed over ")
    assert all(name in note for name in strays)


def test_names_from_chinese_windows_are_put_right(read: Callable) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("name.csv", CSV)
    content = buffer.getvalue().replace(b"name", "工单".encode("gb18030"))
    assert read({"t.zip": content}).rows[0][1] == "t.zip/工单.csv"


def test_paths_of_members_lead_nowhere(read: Callable, zipped: Callable, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zipped({"../../up.csv": CSV, "/abs/olute.csv": CSV, "..\\win.csv": CSV}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, "/etc/hostname")
    before = {path for path in tmp_path.rglob("*") if "read." not in str(path)}
    got = read({"t.zip": buffer.getvalue()})
    assert [row[1] for row in got.rows] == ["t.zip/abs/olute.csv", "t.zip/up.csv", "t.zip/win.csv"]
    assert got.read.notes == ["t.zip: passed over link.csv"]
    after = {path.name for path in tmp_path.rglob("*") if "read." not in str(path)} - {path.name for path in before}
    assert after <= {"0", "1", "t.zip", "rows.parquet", "spill"}
    assert not Path("/abs").exists()


def test_a_feed_can_say_which_members_it_means(read: Callable, zipped: Callable) -> None:
    packed = zipped({"tickets_1.dat": CSV, "events.csv": "id\n9\n", "data/tickets_2.dat": CSV})
    got = read({"t.zip": packed}, format="csv", members="tickets*")
    assert [row[1] for row in got.rows] == ["t.zip/data/tickets_2.dat", "t.zip/tickets_1.dat"]
    assert got.read.notes == ["t.zip: passed over events.csv"]
    assert [row[1] for row in read({"t.zip": packed}, format="csv").rows] == ["t.zip/events.csv"]


def encrypted() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", CSV)
    content = bytearray(buffer.getvalue())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def flipped(content: bytes, part: bytes) -> bytes:
    """The content with one bit of `part` turned."""
    damaged = bytearray(content)
    damaged[damaged.index(part)] ^= 1
    return bytes(damaged)


def stored() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", CSV)
    return buffer.getvalue()


TORN = gzip.compress(b"id,status\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000)))[:50_000]


@pytest.mark.parametrize(
    ("name", "content", "code", "told"),
    [
        ("t.csv.gz", TORN, "SM203", r"cut off: unpacking stops in line \d{4,}"),
        ("t.csv.gz", flipped(gzip.compress(CSV.encode()), gzip.compress(CSV.encode())[-8:]), "SM203", "line 3"),
        ("t.csv.gz", b"id,status\n", "SM203", "Not a gzipped file"),
        ("t.zip", encrypted(), "SM203", r"/a\.csv: encrypted"),
        ("t.zip", flipped(stored(), b"1,a"), "SM203", r"/a\.csv: damaged.*CRC"),
        ("t.zip", stored()[:-30], "SM203", "no zip, or a damaged one"),
        ("t.zip", b"", "SM203", "no zip"),
        ("t.dat", CSV.encode(), "SM205", r"\.dat says nothing about its kind"),
        ("t", CSV.encode(), "SM205", "without an ending"),
    ],
    # Named, as the bytes of an archive hold the time of day.
    ids=["torn", "flipped", "no gzip", "encrypted", "flipped zip", "cut zip", "empty", "unknown ending", "no ending"],
)
def test_what_can_not_be_unpacked_is_told(read: Callable, name: str, content: bytes, code: str, told: str) -> None:
    with pytest.raises(UnreadableFileError, match=rf"^{name.replace('.', '[.]')}.*{told}") as caught:
        read({name: content})
    assert caught.value.code == code


def test_an_archive_without_data_or_of_two_kinds_is_told(read: Callable, zipped: Callable) -> None:
    with pytest.raises(UnreadableFileError, match=r"t.zip: holds no data file; it holds a.pdf, readme.md \[SM205\]"):
        read({"t.zip": zipped({"a.pdf": "x", "readme.md": "x"})})
    with pytest.raises(UnreadableFileError, match=r"holds csv and json. Declare .* `format` or `members`"):
        read({"t.zip": zipped({"a.csv": CSV, "b.json": "[]"})})
    with pytest.raises(UnreadableFileError, match=r"holds no member like x\*; it holds a.csv"):
        read({"t.zip": zipped({"a.csv": CSV})}, members="x*")
