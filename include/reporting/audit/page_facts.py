"""All that the auditors' pages are made of, read once; what one page shows of rows is read when it is written."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from include.gate.context import usual_records
from include.gate.decisions import Decision, gates_following, read_decisions
from include.gate.ledger import Gate
from include.reporting.audit.cleaning_effect import effect_file
from include.reporting.audit.ledger_facts import Check, LedgerFacts, LedgerNight, read_ledger_facts
from include.reporting.audit.night_state import NightState, RuleWords, check_balanced, read_state, rules_of
from include.settings import Settings
from include.warehouse.night_records import begun_nights
from include.warehouse.publish import PublishError, served_as_of

# How far the lines in tables and the tables of rules and sources look back.
TREND_NIGHTS = 30
TABLE_NIGHTS = 60


@dataclass(frozen=True)
class AuditFacts:
    """What every page may ask for; nights are in their order."""

    home: Path
    timezone: str
    context_nights: int
    ledger: LedgerFacts
    states: dict[datetime, NightState]
    served: datetime | None
    decisions: dict[datetime, tuple[Decision, ...]]  # by the night that followed them

    @cached_property
    def order(self) -> list[datetime]:
        """The nights, oldest first."""
        return list(self.ledger.nights)

    @cached_property
    def prints(self) -> dict[datetime, str]:
        """The print of each night's ledger."""
        return {night: found.print() for night, found in self.ledger.nights.items()}

    @cached_property
    def rules(self) -> dict[datetime, dict[str, Check]]:
        """What each rule found on each night, over all sources."""
        return {night: found.rules() for night, found in self.ledger.nights.items()}

    @cached_property
    def checks(self) -> dict[datetime, dict[str, list[Check]]]:
        """What each rule found on each night, by source and entity."""
        found: dict[datetime, dict[str, list[Check]]] = {}
        for night, ledger in self.ledger.nights.items():
            own = found.setdefault(night, {})
            for one in ledger.checks:
                own.setdefault(one.rule_id, []).append(one)
        return found

    @cached_property
    def rule_words(self) -> dict[str, RuleWords]:
        """Every rule that a night had, in its latest words."""
        found: dict[str, RuleWords] = {}
        for night in self.order:
            found |= rules_of(self.home, night)
        return found

    def night(self, night: datetime) -> LedgerNight:
        """One night's ledger."""
        return self.ledger.nights[night]

    @cached_property
    def place(self) -> dict[datetime, int]:
        """Where each night stands in the order."""
        return {night: place for place, night in enumerate(self.order)}

    def before(self, night: datetime) -> datetime | None:
        """The night before one."""
        place = self.place[night]
        return self.order[place - 1] if place else None

    def after(self, night: datetime) -> datetime | None:
        """The night after one."""
        place = self.place[night] + 1
        return self.order[place] if place < len(self.order) else None

    def last(self, count: int, until: datetime | None = None) -> list[datetime]:
        """The last nights up to one, oldest first."""
        return self.order[self._span(count, until)]

    def rule_trend(self, rule_id: str, count: int, until: datetime | None = None) -> tuple[float | None, ...]:
        """The share that a rule found on each of the last nights; null where it was held against no row."""
        return tuple((self._shares.get(rule_id) or [None] * len(self.order))[self._span(count, until)])

    def _span(self, count: int, until: datetime | None) -> slice:
        end = len(self.order) if until is None else self.place[until] + 1
        return slice(max(end - count, 0), end)

    @cached_property
    def checked(self) -> dict[str, list[datetime]]:
        """The nights on which each rule was held against rows, in their order."""
        found: dict[str, list[datetime]] = {}
        for night in self.order:
            for rule_id, one in self.rules[night].items():
                if one.checked:
                    found.setdefault(rule_id, []).append(night)
        return found

    @cached_property
    def _shares(self) -> dict[str, list[float | None]]:
        """The share that each rule found, by the place of the night."""
        found: dict[str, list[float | None]] = {}
        for rule_id, nights in self.checked.items():
            shares = found[rule_id] = [None] * len(self.order)
            for night in nights:
                one = self.rules[night][rule_id]
                shares[self.place[night]] = one.failed / one.checked
        return found

    def usual(self, source: str, night: datetime) -> dict[str, float]:
        """The usual number of records of a source's feeds before a night, as the gate knows it."""
        since = night - timedelta(days=self.context_nights)
        gates = self._gates.get(source, [])
        first, end = (bisect_left(gates, when, key=attrgetter("night")) for when in (since, night))
        return usual_records(gates[first:end])

    @cached_property
    def _gates(self) -> dict[str, list[Gate]]:
        """The gates of each source, by their nights."""
        found: dict[str, list[Gate]] = {}
        for gate in sorted(self.ledger.gates, key=attrgetter("night")):
            found.setdefault(gate.source, []).append(gate)
        return found


def read_audit_facts(settings: Settings, until: datetime | None = None) -> AuditFacts:
    """Read ledger, records of nights, versions and decisions.

    Args:
        settings: of the installation.
        until: the last night to tell of; null takes all.

    Raises:
        DamagedFileError: a file of the ledger is not what was written.
        AccountingError: rows of a night are in no place, or in two.
    """
    home = settings.home
    begun = begun_nights(home)
    last = until or max(begun, default=datetime.max.replace(tzinfo=None).astimezone())
    ledger = read_ledger_facts(home, begun, last)
    served = _served(home)
    states = {}
    for night, found in ledger.nights.items():
        check_balanced(found)
        is_known = effect_file(home, night).exists()
        states[night] = read_state(home, found, ledger.unjudged.get(night, ()), served, is_known)
    return AuditFacts(
        home, settings.timezone, settings.context_nights, ledger, states, served, _decisions(home, ledger)
    )


def _served(home: Path) -> datetime | None:
    """The night that is served; null also where the file can't be read: that too is a night to tell of."""
    try:
        return served_as_of(home)
    except PublishError:
        return None


def _decisions(home: Path, ledger: LedgerFacts) -> dict[datetime, tuple[Decision, ...]]:
    """What people decided, by the night that followed it first."""
    found: dict[datetime, list[Decision]] = {}
    followed = gates_following(ledger.gates)
    for decision in read_decisions(home):
        gate = followed.get(decision.decision_id)
        if gate is not None:
            found.setdefault(gate.night, []).append(decision)
    return {night: tuple(decisions) for night, decisions in found.items()}
