"""A text file as DuckDB reads it fastest: UTF-8 without a mark, `\\n` as the only line end, its header first."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from include.sources.readers.unreadable import ENCODING, LIMIT, MB, UnreadableFileError

# The longest line, and the largest cell, that is read.
MAX_LINE_BYTES = 16 << 20
_CHUNK = 1 << 20
_QUOTE, _LINE_END = b'"\n'
_Decoder = codecs.IncrementalDecoder | io.IncrementalNewlineDecoder
# UTF-32 first: its mark begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A text in UTF-8; `path` is the received file itself if that is one already."""

    path: Path
    encoding: str
    dropped_lines: int  # lines of the received file before this text
    size: int
    lines: int
    line_ends: int | None  # of a CSV: those outside quoted cells; null if its quotes are not all where they belong
    blank_lines: int  # of them
    nul_count: int
    nul_line: int | None

    def line(self, number: int) -> int:
        """The line of the received file that is line `number` (from 1) of this text."""
        return self.dropped_lines + number


def read_text(
    name: str,
    path: Path,
    encodings: Sequence[str],
    target: Path,
    *,
    skip_lines: int = 0,
    has_lines: bool = True,
    delimiter: str | None = None,
) -> Text:
    """Read a text strictly in the first encoding that fits; a byte order mark outweighs what is declared.

    `skip_lines` lines and then blank ones are left out at the beginning. `target` is written only if the file is not
    already as it should be. `has_lines`: whether lines are held against the longest that is read. `delimiter` is that
    of a CSV, whose quotes are looked at.

    Raises:
        UnreadableFileError: no encoding fits (line, column and byte), or a line is too long.
    """
    with path.open("rb") as file:
        start = file.read(4)
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    problems = []
    for encoding in [marked] if marked else encodings:
        try:
            text = _read(path, encoding, skip_lines, target, delimiter)
        except _WrongByteError as error:
            problems.append(error.place(path))
            continue
        _check(name, text, longest=text.longest if has_lines else None)
        return text.text()
    raise UnreadableFileError(f"{name}: {'; '.join(problems)}. Declare the feed's `encoding`", ENCODING)


class _Measured:
    """What a text turned out to be."""

    def __init__(self, path: Path, encoding: str, delimiter: str | None) -> None:
        self.path = path
        self.encoding = encoding
        self.dropped = 0
        self.size = 0
        self.newlines = 0
        self.line_ends = 0
        self.blank_lines = 0
        self.nul_count = 0
        self.line_of_nul: int | None = None
        self.longest: tuple[int, int] = (0, 1)  # bytes, line
        self._open_line = 0
        self._looks_at_quotes = delimiter is not None
        # What may stand before a quote that opens a cell; the quote itself is half of a doubled one.
        self._before_cell = np.zeros(256, bool)
        self._before_cell[[_LINE_END, _QUOTE, *(delimiter or "").encode()[-1:]]] = True
        self._are_quotes_placed = delimiter is None or delimiter.isascii()
        self._is_quoted = False
        self._last = b"\n"

    def text(self) -> Text:
        """The same, once the text is at its end."""
        unended = self._last != b"\n"
        return Text(
            path=self.path,
            encoding=self.encoding,
            dropped_lines=self.dropped,
            size=self.size,
            lines=self.newlines + unended,
            line_ends=None if self._is_quoted or not self._are_quotes_placed else self.line_ends + unended,
            blank_lines=self.blank_lines,
            nul_count=self.nul_count,
            nul_line=self.line_of_nul,
        )

    def add(self, chunk: bytes) -> None:
        """Take in the next part."""
        if not chunk:
            return
        self._add_line_ends(chunk)
        self.size += len(chunk)
        nuls = chunk.count(b"\0")
        if nuls and self.line_of_nul is None:
            self.line_of_nul = self.dropped + self.newlines + 1 + chunk.count(b"\n", 0, chunk.find(b"\0"))
        self.nul_count += nuls
        first = chunk.find(b"\n")
        self._open_line += len(chunk) if first < 0 else first
        # Within a chunk no line can be too long; only one that spans several.
        self.longest = max(self.longest, (self._open_line, self.dropped + self.newlines + 1))
        if first >= 0:
            self._open_line = len(chunk) - chunk.rfind(b"\n") - 1
        self.newlines += chunk.count(b"\n")
        self._last = chunk[-1:]

    def _add_line_ends(self, chunk: bytes) -> None:
        has_quote = self._looks_at_quotes and b'"' in chunk
        if not has_quote and b"\n\n" not in chunk and not (self._last == b"\n" and chunk[:1] == b"\n"):
            self.line_ends += 0 if self._is_quoted else chunk.count(b"\n")
            return
        signs = np.frombuffer(self._last + chunk, np.uint8)
        quotes = np.flatnonzero(signs[1:] == _QUOTE) + 1 if has_quote else np.empty(0, np.intp)
        opening = quotes[int(self._is_quoted) :: 2]
        self._are_quotes_placed &= bool(self._before_cell[signs[opening - 1]].all())
        line_ends = np.flatnonzero(signs[1:] == _LINE_END) + 1
        line_ends = line_ends[(np.searchsorted(quotes, line_ends) + self._is_quoted) % 2 == 0]
        self.line_ends += len(line_ends)
        self.blank_lines += int(np.count_nonzero(signs[line_ends - 1] == _LINE_END))
        self._is_quoted ^= bool(len(quotes) % 2)


class _WrongByteError(Exception):
    """A byte that the encoding does not know."""

    def __init__(self, encoding: str, offset: int, error: UnicodeDecodeError) -> None:
        self.encoding = encoding
        self.offset = offset
        self.byte = error.object[error.start]
        super().__init__(encoding)

    def place(self, path: Path) -> str:
        """Where it stands, in words."""
        decoder = _decoder(self.encoding)
        line, column = 1, 1
        for chunk in _bytes_of(path, self.offset):
            text = decoder.decode(chunk)
            if "\n" in text:
                line += text.count("\n")
                column = len(text) - text.rfind("\n")
            else:
                column += len(text)
        return f"line {line}, column {column}: not {self.encoding} (byte 0x{self.byte:02x})"


def _read(path: Path, encoding: str, skip_lines: int, target: Path, delimiter: str | None) -> _Measured:
    if _is_utf8(encoding) and not skip_lines:
        measured = _as_it_is(path, encoding, delimiter)
        if measured:
            return measured
    measured = _Measured(target, encoding, delimiter)
    with target.open("wb") as out:
        for chunk in _from_header(_normal(path, encoding), skip_lines, measured):
            measured.add(chunk)
            out.write(chunk)
    return measured


def _as_it_is(path: Path, encoding: str, delimiter: str | None) -> _Measured | None:
    """Measure a file that needs no change; null if it does."""
    measured = _Measured(path, encoding, delimiter)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
    for chunk in _decodable(_bytes_of(path), decoder, encoding):
        if b"\r" in chunk or (not measured.size and chunk.startswith((codecs.BOM_UTF8, b"\n"))):
            return None
        measured.add(chunk)
    return measured


def _normal(path: Path, encoding: str) -> Iterator[bytes]:
    """A file's text in UTF-8 with `\\n` as line end."""
    if not _is_utf8(encoding):
        decoder = _decoder(encoding)
        for text in _decoded(_bytes_of(path), decoder, encoding):
            yield text.encode()
        return
    held = b""
    for chunk in _decodable(_bytes_of(path), codecs.getincrementaldecoder("utf-8")(errors="strict"), encoding):
        # A carriage return at the end may be the first half of a line end.
        held, whole = (b"\r", held + chunk[:-1]) if chunk.endswith(b"\r") else (b"", held + chunk)
        yield whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if held:
        yield b"\n"


def _decodable(chunks: Iterable[bytes], decoder: _Decoder, encoding: str) -> Iterator[bytes]:
    """The chunks as they are, once they have been decoded."""
    read = 0
    for chunk in chunks:
        read += len(chunk)
        _decode(decoder, chunk, encoding, read, final=False)
        yield chunk
    _decode(decoder, b"", encoding, read, final=True)


def _decoded(chunks: Iterable[bytes], decoder: _Decoder, encoding: str) -> Iterator[str]:
    read = 0
    for chunk in chunks:
        read += len(chunk)
        yield _decode(decoder, chunk, encoding, read, final=False)
    yield _decode(decoder, b"", encoding, read, final=True)


def _decode(decoder: _Decoder, chunk: bytes, encoding: str, read: int, *, final: bool) -> str:
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise _WrongByteError(encoding, read - len(error.object) + error.start, error) from error
    except UnicodeError as error:
        # UTF-16 was declared, and the file does not begin with its mark: the first byte is wrong.
        first = UnicodeDecodeError(encoding, chunk, 0, 1, str(error))
        raise _WrongByteError(encoding, 0, first) from error


def _decoder(encoding: str) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors="strict"), translate=True)


def _from_header(chunks: Iterable[bytes], skip_lines: int, measured: _Measured) -> Iterator[bytes]:
    """The text from its header on; the lines before it are counted."""
    left, at_start, started = skip_lines, True, False
    for chunk in chunks:
        rest = chunk
        if at_start and rest:
            rest = rest.removeprefix(codecs.BOM_UTF8)
            at_start = False
        while left and rest:
            _, end, rest = rest.partition(b"\n")
            left -= len(end)
            measured.dropped += len(end)
        if not left and not started:
            text = rest.lstrip(b"\n")
            measured.dropped += len(rest) - len(text)
            rest = text
            started = bool(rest)
        if rest:
            yield rest


def _check(name: str, text: _Measured, longest: tuple[int, int] | None) -> None:
    if longest and longest[0] > MAX_LINE_BYTES:
        raise UnreadableFileError(
            f"{name}: line {longest[1]}: longer than {MAX_LINE_BYTES // MB} MB, the most that is read", LIMIT
        )
    if _is_utf8(text.encoding) and text.nul_count > text.size / 4:
        raise UnreadableFileError(
            f"{name}: line 1: most bytes are NUL: UTF-16 without a byte order mark? "
            "Declare the feed's `encoding` as utf-16-le or utf-16-be",
            ENCODING,
        )


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _bytes_of(path: Path, end: int | None = None) -> Iterator[bytes]:
    left = path.stat().st_size if end is None else end
    with path.open("rb") as file:
        while left and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
