"""When each feed's deliveries came, how long apart they usually are, and which feeds have fallen silent."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict

from include import files
from include.gate.batch_rules import BatchRule
from include.gate.figures import ENOUGH_DELIVERIES
from include.gate.ledger import DRIFT_REMARK, Gate
from include.landing.identical import read_identical
from include.settings import night_id, parse_night_id

Nights = dict[tuple[str, str], list[datetime]]
_DAY = timedelta(days=1)


class Silence(BaseModel):
    """A feed of which nothing came for too long by a night, and the rule that says so."""

    model_config = ConfigDict(frozen=True)

    source: str
    feed: str
    night: datetime
    rule_id: str
    message: str

    @property
    def batch_id(self) -> str:
        """What stands for the id of the delivery that did not come."""
        return f"{self.source}.{self.feed}.{night_id(self.night)}.silent"


def arrivals(
    home: Path, gates: Iterable[Gate], since: datetime, as_of: datetime, sources: Container[str] | None = None
) -> Nights:
    """The nights from `since` to `as_of` in which each feed brought something, new or not, in order.

    Args:
        home: the data home.
        gates: of the ledger.
        since: the first night.
        as_of: the last night.
        sources: the only ones asked for; null takes all.
    """
    found: dict[tuple[str, str], set[datetime]] = {}
    for gate in gates:
        if gate.gate_no == 1 and since <= gate.night <= as_of and (sources is None or gate.source in sources):
            found.setdefault((gate.source, gate.feed), set()).add(gate.night)
    for one in read_identical(home, as_of, since=since, sources=sources):
        found.setdefault((one.source, one.feed), set()).add(one.night)
    return {place: sorted(nights) for place, nights in found.items()}


def usual_days(nights: Nights, source: str, until: datetime) -> dict[str, float]:
    """Median days between two nights in which a feed of a source brought something; of feeds with enough of them."""
    usual = {}
    for (name, feed), came in nights.items():
        recent = [night for night in came if night < until]
        if name == source and len(recent) >= ENOUGH_DELIVERIES:
            usual[feed] = median((later - earlier) / _DAY for earlier, later in pairwise(recent))
    return usual


def days_without(came: Sequence[datetime], as_of: datetime) -> float | None:
    """Days between tonight and the last night before it in which something came; null if none did."""
    before = [night for night in came if night < as_of]
    return (as_of - before[-1]) / _DAY if before else None


def is_late(rule: BatchRule, days: float, usual: float) -> bool:
    """Whether a feed was silent for too long."""
    return days >= max(rule.settings["times"] * usual, rule.settings["days"])


def late_words(days: float, usual: float) -> str:
    """How long a feed was silent."""
    return f"nothing came for {days:.3g} days, {usual:.3g} are usual"


def silence_of(
    rules: Iterable[BatchRule], place: tuple[str, str], came: Sequence[datetime], usual: float, as_of: datetime
) -> Silence | None:
    """Whether a feed has been silent for too long tonight.

    Args:
        rules: those about whole deliveries.
        place: source and feed.
        came: the nights in which the feed brought something, tonight too if it did.
        usual: median days between them.
        as_of: tonight.
    """
    source, feed = place
    days = None if as_of in came else days_without(came, as_of)
    for rule in rules:
        if rule.figure != "arrival" or rule.leaves_alone(source, feed) or days is None:
            continue
        if is_late(rule, days, usual):
            message = f"{DRIFT_REMARK} {source}.{feed}: {late_words(days, usual)}"
            return Silence(source=source, feed=feed, night=as_of, rule_id=rule.id, message=message)
    return None


def write_silences(home: Path, as_of: datetime, group: str, found: Sequence[Silence]) -> None:
    """Write down which feeds of a group have been silent for too long tonight; a re-run writes it anew."""
    content = [one.model_dump(mode="json") for one in found]
    files.write_json(home / "ledger" / "silent" / night_id(as_of) / f"{group}.json", {"feeds": content})


def read_silences(home: Path, as_of: datetime) -> list[Silence]:
    """What `write_silences` wrote in the nights up to `as_of`."""
    found: list[Silence] = []
    for folder in sorted((home / "ledger" / "silent").glob("*")):
        if parse_night_id(folder.name) <= as_of:
            for path in sorted(folder.glob("*.json")):
                found.extend(Silence.model_validate(one) for one in files.read_json(path)["feeds"])
    return found
