"""A preview as a person reads it in a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.contracts import load_contracts
from include.mapping_help.preview import SAMPLE_ROWS, EntityPreview, FeedPreview, OddTexts
from include.mapping_help.words import Language, word
from include.settings import Settings

WIDTH = 100
_MAX_CELL = 24
_NAMES = 40
_BLANK = "·"


def print_feed(console: Console, settings: Settings, feed: FeedPreview, folder: str) -> None:
    """Print what a feed would land and what would become of it."""
    _View(console, settings, settings.language).feed(feed, folder)


class _View:
    def __init__(self, console: Console, settings: Settings, language: Language) -> None:
        self.console = console
        self.settings = settings
        self.language = language

    def say(self, name: str, **about: object) -> str:
        return escape(word(self.language, name, **{k: f"{v:,}" if isinstance(v, int) else v for k, v in about.items()}))

    def feed(self, feed: FeedPreview, folder: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{feed.source}.{escape(feed.feed)}[/]", align="left")
        if feed.files:
            self._head(feed)
        if feed.problem:
            self._bad(feed.problem)
            return
        if not feed.files and not feed.entities:
            self._warn(self.say("no_files", pattern=feed.pattern, folder=folder))
            return
        if feed.unparsable:
            self._warn(self.say("unparsable", n=feed.unparsable))
        for note in feed.notes:
            self._warn(escape(note))
        if feed.lacking:
            self._warn(f"{self.say('lacking')}: {_listed(feed.lacking)}")
        if feed.unmapped:
            head = self.say("unmapped", n=len(feed.unmapped))
            self.console.print(f"[dim]{head}: {_listed(feed.unmapped)}[/]")
        for entity in feed.entities:
            self._entity(entity)

    def _head(self, feed: FeedPreview) -> None:
        parts = [f"{_listed(feed.files, 3)}"]
        if feed.deliveries > 1:
            parts.append(self.say("of_deliveries", n=feed.deliveries))
        if not feed.problem:
            parts.append(self.say("records", n=feed.records))
        self.console.print(f"{self.say('files')}  {' · '.join(parts)}")
        if feed.waiting:
            self.console.print(f"[dim]{self.say('waiting', n=feed.waiting)}[/]")

    def _entity(self, entity: EntityPreview) -> None:
        contract = load_contracts()[entity.entity]
        self.console.print()
        self.console.print(
            f"[bold cyan]{entity.entity}[/] [cyan]{contract.name[self.language]}[/]  {self.say('rows', n=entity.rows)}"
        )
        if entity.problem:
            self._bad(entity.problem)
            return
        if entity.sample:
            self._sample(entity)
        if entity.empty_columns:
            self.console.print(f"[dim]{self.say('empty')}: {_listed(entity.empty_columns)}[/]")
        for name, rows in entity.required_missing:
            self._warn(self.say("required_missing", column=name, n=rows))
        odd = [*entity.unreadable, *entity.unknown]
        if odd:
            self._odd(odd)
        if entity.unusable:
            self._warn(self.say("unusable", n=entity.unusable, of=entity.rows))
        elif entity.rows:
            self.console.print(f"[green]✓[/] {self.say('all_usable', of=entity.rows)}")

    def _sample(self, entity: EntityPreview) -> None:
        """The rows in as many tables beside one another as fit; the first column stands in each."""
        shown = min(len(entity.sample), SAMPLE_ROWS)
        self.console.print(f"[dim]{self.say('sample', n=shown, zone=self.settings.timezone)}[/]")
        same = {}
        if shown > 2:
            for number, name in enumerate(entity.columns[1:], start=1):
                values = {row[number] for row in entity.sample}
                if len(values) == 1:
                    same[name] = values.pop()
        if same:
            pairs = ", ".join(f"{name} = {_cell(value)}" for name, value in same.items())
            self.console.print(f"[dim]{self.say('same_in_all')}:[/] {escape(pairs)}")
        columns = [number for number, name in enumerate(entity.columns) if name not in same]
        for place, group in enumerate(_groups(entity, columns)):
            if place:
                self.console.print()
            table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
            for number in group:
                name = entity.columns[number]
                own = load_contracts()[entity.entity].columns[name]
                label = f"{name}\n[dim]{_short(own.zh, _MAX_CELL)}[/]" if self.language == "zh" else name
                table.add_column(label, no_wrap=True, justify="right" if own.type in _RIGHT else "left")
            for row in entity.sample:
                table.add_row(*(escape(_cell(row[number])) for number in group))
            self.console.print(table)

    def _odd(self, odd: Sequence[OddTexts]) -> None:
        self.console.print(f"[yellow]{self.say('odd')}[/]")
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column(self.say("column"), max_width=24, overflow="fold")
        table.add_column(self.say("n_rows"), justify="right")
        table.add_column(self.say("texts"), ratio=1, overflow="fold")
        table.add_column(self.say("first"), max_width=18)
        table.add_column(self.say("becomes"), min_width=24)
        for one in odd:
            texts = ", ".join(f"{_short(text, _MAX_CELL)} ({rows:,})" for text, rows in one.texts)
            place = self.say("line", n=one.line) if one.line else self.say("record", n=one.record)
            kind = one.kind if one.kind in ("only", "answer", "code", "kept") else "unreadable"
            becomes = self.say("odd_required" if one.is_required else f"odd_{kind}", kind=one.kind)
            table.add_row(escape(one.column), f"{one.rows:,}", escape(texts), place, becomes)
        self.console.print(table)
        for one in odd:
            if one.formats:
                formats = ", ".join(f'"{text}"' for text in one.formats)
                self.console.print(f"  {self.say('format_hint', column=one.column, formats=formats)}")
            elif one.either:
                self.console.print(f"  {self.say('format_open', column=one.column, formats=' / '.join(one.either))}")

    def _warn(self, text: str) -> None:
        self.console.print(f"[yellow]![/] {text}")

    def _bad(self, text: str) -> None:
        self.console.print(f"[red]✗[/] {escape(text)}")


_RIGHT = ("integer", "decimal", "number")


def _groups(entity: EntityPreview, columns: Sequence[int]) -> list[list[int]]:
    """Columns of the tables that show all of them, each within the width of a terminal, the first one in each."""
    widths = {number: _width(entity, number) for number in columns}
    first, *rest = columns
    groups = [[first]]
    used = widths[first] + 1
    for number in rest:
        if used + widths[number] > WIDTH and len(groups[-1]) > 1:
            groups.append([first])
            used = widths[first] + 1
        groups[-1].append(number)
        used += widths[number] + 1
    return groups


def _width(entity: EntityPreview, number: int) -> int:
    cells = [cell_len(_cell(row[number])) for row in entity.sample]
    return max([cell_len(entity.columns[number]), *cells])


def _cell(value: str | None) -> str:
    return _BLANK if value is None else _short(" ".join(value.split()), _MAX_CELL)


def _short(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _listed(names: Sequence[str], most: int = _NAMES) -> str:
    more = f" … +{len(names) - most}" if len(names) > most else ""
    return escape(", ".join(_short(name, 60) for name in names[:most]) + more)
