"""What several pages show in the same way: figures with lines, rules in words, troubles, links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from markupsafe import Markup, escape

from include.gate.batch_rules import ENTITY as BATCH
from include.gate.settled_files import STOPPED_RULE
from include.reporting.audit.ledger_facts import Check, LedgerNight
from include.reporting.audit.night_state import NightState, RuleWords
from include.reporting.audit.page_facts import AuditFacts
from include.reporting.audit.spark_line import SparkLine, spark_line
from include.reporting.audit.words import entity_name, night_label, number, say, share
from include.settings import night_id
from include.warehouse.holding import UnjudgedBatch
from include.warehouse.night_summary import Language

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
# A chart of its own is wider than a line in a table.
_CHART = (320, 64)


@dataclass(frozen=True)
class Line:
    """A line of figures and what it says to whoever can't see it."""

    spark: SparkLine
    says: str

    def drawn(self, css: str) -> Markup:
        """The line as an SVG."""
        box = f"0 0 {self.spark.width} {self.spark.height}"
        says = str(escape(self.says))
        return Markup(f'<svg class="{css}" viewBox="{box}" role="img" aria-label="{says}">{self.spark.drawn}</svg>\n')


@dataclass(frozen=True)
class Trouble:
    """A delivery or a source that needs a look; `message` is in the words of the program, in English."""

    night: datetime
    source: str
    feed: str
    status: str
    message: str


@lru_cache(maxsize=4096)
def file_name(code: str) -> str:
    """A rule's or a source's name as part of the name of a page."""
    return _UNSAFE.sub("-", code)


@lru_cache(maxsize=4096)
def night_file(night: datetime, language: Language) -> str:
    """The page of a night, in the folder `night`."""
    return f"{night_id(night)}.{language}.html"


def rule_name(facts: AuditFacts, language: Language, rule_id: str) -> str:
    """A rule in words; one that no version kept tells of by its name."""
    if rule_id == STOPPED_RULE:
        return say(language, "batch_stopped")
    words = facts.rule_words.get(rule_id)
    return (words.zh if language == "zh" else words.en) if words else rule_id


def judged_entity(facts: AuditFacts, language: Language, check: Check) -> str:
    """What a rule judged: the rows of an entity, or a delivery of them as a whole."""
    name, words = entity_name(language, check.entity), facts.rule_words.get(check.rule_id)
    return say(language, "of_delivery", entity=name) if words and words.entity == BATCH else name


@lru_cache(maxsize=2048)
def thresholds(language: Language, rule: RuleWords | None) -> str:
    """A rule's settings and the share above which it stops a delivery; empty where it has none."""
    if rule is None:
        return ""
    parts = [say(language, "threshold", name=name, value=f"{value:g}") for name, value in rule.settings]
    if rule.stop_above is not None:
        parts.append(say(language, "stops_above", share=f"{rule.stop_above:.0%}", rows=rule.stop_from))
    return say(language, "clause").join(parts)


def share_line(language: Language, values: Sequence[float | None]) -> Line:
    """A line of shares, night by night, for a table's row."""
    known = [value for value in values if value is not None]
    told = [_percent(language, value) for value in (min(known), max(known), known[-1])] if known else ["–"] * 3
    says = say(language, "spark_says", n=len(values), low=told[0], high=told[1], last=told[2])
    return Line(spark_line(tuple(values)), says)


def chart(
    facts: AuditFacts,
    language: Language,
    name: str,
    nights: Sequence[datetime],
    values: Sequence[float | None],
    *,
    is_share: bool,
) -> Line:
    """A line of figures as a chart of its own, with a sentence made from its numbers."""

    def told(value: float) -> str:
        return _percent(language, value) if is_share else number(round(value))

    known = [(night, value) for night, value in zip(nights, values, strict=True) if value is not None]
    if not known:
        return Line(spark_line(tuple(values), *_CHART), say(language, "trend_none", name=name, n=len(nights)))
    night, last = known[-1]
    figures = [value for _, value in known]
    says = say(
        language,
        "trend_says",
        name=name,
        last=told(last),
        night=night_label(night, facts.timezone),
        n=len(nights),
        low=told(min(figures)),
        high=told(max(figures)),
    )
    return Line(spark_line(tuple(values), *_CHART), says)


def share_of(night: LedgerNight, place: str, source: str | None = None) -> float | None:
    """The share of a night's rows that ended in a place; null where none came in."""
    flow = night.total if source is None else night.of_source(source)
    return getattr(flow, place) / flow.rows_in if flow.rows_in else None


def troubles_of(
    night: LedgerNight, state: NightState, unjudged: Iterable[UnjudgedBatch], language: Language
) -> list[Trouble]:
    """What needs a look on a night: what was not taken in, what is unusual, what is overdue, what never came."""
    found = [
        Trouble(night.night, one.source, one.feed, one.status if one.is_troubled else "unusual", one.message or "")
        for one in night.deliveries
        if one.is_troubled or one.is_unusual
    ]
    found += [Trouble(night.night, one.source, one.feed, "silent", one.message) for one in night.silent]
    found += [
        Trouble(
            night.night,
            one.source,
            one.feed,
            "failed",
            say(language, "unjudged", message=one.message or say(language, "untold")),
        )
        for one in unjudged
    ]
    found += [
        Trouble(night.night, name, "", "failed", say(language, "broken_source", message=message))
        for name, message in state.broken_sources
    ]
    told = {one.source for one in found}
    found += [
        Trouble(night.night, source, "", "missing", say(language, "not_arrived"))
        for source in state.missing
        if source not in told
    ]
    return sorted(found, key=lambda one: (one.source, one.feed))


def split(language: Language, night: LedgerNight, source: str | None = None) -> str:
    """Where a night's rows went, in words."""
    flow = night.total if source is None else night.of_source(source)
    if not flow.rows_in:
        return say(language, "nothing_came")
    return say(
        language,
        "split_says",
        counted=number(flow.counted),
        not_counted=number(flow.not_counted),
        held=number(flow.held),
        quarantined=number(flow.quarantined),
    )


def _percent(language: Language, value: float) -> str:
    # A share of a million rows is told as exactly as one can read.
    return share(language, round(value * 1_000_000), 1_000_000)
