"""The data homes that faults happen to: the sample company the evening before, and one undisturbed night later."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import duckdb

from include import files
from include.progress import read_events
from include.settings import night_id, parse_instant
from include.warehouse.publish import serve_file
from tests.support.faults_night import FAILED, PUBLISHED, Done, run
from tests.support.faults_verdict import (
    assert_as_undisturbed,
    assert_as_undisturbed_but_for_what_was_missing,
    assert_served_whole,
    copy_home,
)
from tests.support.mini_company import ZONE
from tests.support.nightly_run import differences, published

EVENING, NIGHT = "2026-06-29", "2026-06-30"


class Homes:
    """Homes below one folder. All nights run in `home`, as dbt reads its project anew where the path is another."""

    def __init__(self, folder: Path, *, is_built: bool = True) -> None:
        """Run the night before and an undisturbed night after it; unless `is_built` the former is only settled.

        In place of what it would have published then stands a file that says for which night it holds: enough to see
        whether it is touched, and half a minute cheaper.
        """
        self.folder = folder
        self.home = folder / "home"
        self.evening = self._published("evening", EVENING) if is_built else self._settled("evening", EVENING)
        self.undisturbed = self._published("undisturbed", NIGHT)
        assert published(self.evening) != published(self.undisturbed) or differences(self.evening, self.undisturbed)
        if not is_built:  # what dbt has read of its project
            copy_home(self.undisturbed / "warehouse" / "dbt", self.evening / "warehouse" / "dbt")

    @cached_property
    def seconds(self) -> dict[str, float]:
        """When each step of the undisturbed night began (seconds after `prepare`), and when it `end`ed."""
        path = self.undisturbed / "logs" / f"{night_id(parse_instant(NIGHT, ZONE))}.progress.jsonl"
        events = read_events(path)[0]
        found = {"end": events[-1].at - events[0].at}
        for event in events:
            found.setdefault(event.step, event.at - events[0].at)
        return found

    def begin(self, state: Path | None = None) -> Path:
        """Put `home` into the state of the evening before, or of another kept home."""
        copy_home(state or self.evening, self.home)
        for left in self.folder.glob("home.*.out"):
            left.unlink()
        return self.home

    def begin_at(self, place: str) -> Path:
        """Put `home` into the state of the night killed at a place; it is killed there once, and then kept."""
        kept = self.folder / f"at {place.replace(':', ' ')}"
        if not kept.exists():
            self.begin()
            self.killed_at(place)
            self._kept(kept.name)
        return self.begin(kept)

    def killed_at(self, place: str, **environment: str) -> None:
        """Run the night until it is killed at a place; what is served must be whole."""
        done = run(self.home, NIGHT, METRICS_FAILPOINT=place, **environment)
        assert done.code == -9, f"{place} was not reached:\n{done.output[-4000:]}"
        assert_served_whole(self.home, self.evening, self.undisturbed)

    def refused(self, *words: str, **environment: str) -> str:
        """Run the night to a failure that names these words; what is served is still the night before."""
        done = run(self.home, NIGHT, **environment)
        assert done.code == FAILED, f"it was not refused:\n{done.output[-4000:]}"
        assert [word for word in words if word not in done.output] == [], done.output[-4000:]
        assert_served_whole(self.home, self.evening)
        return done.output

    def recovered(self, **environment: str) -> Done:
        """Run the night to its end: it must be as if nothing had happened."""
        done = run(self.home, NIGHT, **environment)
        assert_published(done)
        assert_as_undisturbed(self.home, self.undisturbed)
        return done

    def recovered_without_a_source(self) -> None:
        """As `recovered`, after a night without some deliveries: audit says what referred to them in vain."""
        assert_published(run(self.home, NIGHT))
        assert_as_undisturbed_but_for_what_was_missing(self.home, self.undisturbed)

    def _published(self, name: str, night: str) -> Path:
        assert_published(run(self.home, night))
        return self._kept(name)

    def _settled(self, name: str, night: str) -> Path:
        done = run(self.home, night, METRICS_FAILPOINT="inputs:before_rename")
        assert done.code == -9, done.output
        with files.writing(serve_file(self.home)) as temporary, duckdb.connect(str(temporary)) as con:
            as_of = parse_instant(night, ZONE).replace(tzinfo=None)
            con.execute("create schema audit; create table audit.warehouse_state (as_of timestamp)")
            con.execute("insert into audit.warehouse_state values (?)", [as_of])
        return self._kept(name)

    def _kept(self, name: str) -> Path:
        copy_home(self.home, self.folder / name)
        return self.folder / name


def assert_published(done: Done) -> None:
    """The night ended well; else show what it wrote."""
    assert done.code == PUBLISHED, done.output[-6000:]
