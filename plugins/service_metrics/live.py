"""Show a running night: a line for every step that ended, and what is at work meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from include.progress import Event, failures, read_events

# Written when they begin too where there is no moving line: they take longer than a person waits in the dark.
_LONG = {"gate", "settle", "build"}
# What steps report that a person should know: bad YAMLs, unreadable files, stopped deliveries.
_WARNINGS = ("broken", "unreadable", "stopped")


class LiveProgress:
    """Reads the progress file of a night from where it ends now, and prints what is appended."""

    def __init__(self, console: Console, path: Path) -> None:
        self.console = console
        self.path = path
        self.offset = read_events(path)[1]
        self.events: list[Event] = []
        self._running: dict[tuple[str, str], float] = {}
        self._note = ""
        self._status: Status | None = None

    def __enter__(self) -> LiveProgress:
        if self.console.is_terminal:
            self._status = self.console.status("")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def say(self, text: str) -> None:
        """Say what goes on outside the steps."""
        if self._status:
            self._status.update(text)
        else:
            self.console.print(f"  … {text}", highlight=False)

    def line(self, text: str, seconds: float) -> None:
        """Print that something ended."""
        self.console.print(f"  [green]✓[/] {text}  [dim]{seconds:.1f} s[/]", highlight=False)

    def refresh(self) -> None:
        """Print what has been appended since the last time."""
        events, self.offset = read_events(self.path, self.offset)
        for event in events:
            self.events.append(event)
            self._show(event)
        if self._status and self._running:
            (step, subject), begun = list(self._running.items())[-1]
            self._status.update(f"{step} {subject}{self._note}  [dim]{time.time() - begun:.0f} s[/]")

    def seconds(self, step: str) -> float:
        """Seconds that all runs of a step took together."""
        return sum(event.seconds for event in self.events if event.step == step and event.kind in ("end", "fail"))

    def has_ended(self, step: str) -> bool:
        """Whether a step came to a good end."""
        return any(event.step == step and event.kind == "end" for event in self.events)

    def failures(self) -> list[Event]:
        """The steps that failed and did not succeed later."""
        return failures(self.events)

    def _show(self, event: Event) -> None:
        key = (event.step, event.subject)
        what = f"{event.step} {event.subject}".strip()
        if event.kind == "begin":
            self._running[key] = event.at
            if not self._status and event.step in _LONG:
                self.console.print(f"  … {what}", highlight=False)
            return
        if event.kind == "note":
            self._note = f" {event.detail['done']}/{event.detail['of']}"
            return
        self._running.pop(key, None)
        self._note = ""
        if event.kind == "end":
            self.line(f"{what}{_told(event)}", event.seconds)
            texts = [text.splitlines()[0] for name in _WARNINGS for text in event.detail.get(name, [])]
            # A fault of a source shows in each of its deliveries.
            for warning in dict.fromkeys(texts):
                self.console.print(f"    [yellow]! {escape(warning)}[/]", highlight=False, soft_wrap=True)
        else:
            message = escape(str(event.detail["message"]))
            self.console.print(f"  [red]✗ {what}[/]  {message}", highlight=False, soft_wrap=True)


def _told(event: Event) -> str:
    """A step's figures in few words."""
    detail = event.detail
    figures = {
        "land": lambda: (
            f": {detail['records']:,} records" + (f", {detail['identical']} identical" * bool(detail["identical"]))
        ),
        "gate": lambda: f": {detail['rows']:,} rows",
        "settle": lambda: f": {detail['rows_clean']:,} clean, {detail['rows_quarantined']:,} quarantined",
        "build": lambda: (
            f": {detail['nodes']} nodes" + (f", rebuilt: {detail['rebuilt']}" if detail["rebuilt"] else "")
        ),
        "publish": lambda: f": {detail['tables']} tables, {detail['rows']:,} rows, {detail['size'] / 1e6:.0f} MB",
        "reports": lambda: f": {detail['pages']} pages, {detail['size'] / 1e3:.0f} kB",
        "audit": lambda: f": {detail['pages']} pages, {detail['unchanged']} unchanged",
    }
    told = figures.get(event.step)
    return told() if told else ""
