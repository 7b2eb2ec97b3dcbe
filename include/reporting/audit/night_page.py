"""The page of one night: what its template prints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from include.gate.decisions import Decision
from include.reporting.amounts import amount
from include.reporting.audit.cleaning_effect import Effect, NightEffect
from include.reporting.audit.flow_picture import PLACES, FlowPicture, flow_picture
from include.reporting.audit.kept_movement import KeptMovement
from include.reporting.audit.ledger_facts import Check, Flow, LedgerNight, Moved, gravity
from include.reporting.audit.movement_view import movement_view
from include.reporting.audit.night_state import Changes, RuleChange, RuleWords
from include.reporting.audit.page_facts import TREND_NIGHTS, AuditFacts
from include.reporting.audit.patterns import lines, pattern
from include.reporting.audit.sampled_rows import PER_RULE, Samples
from include.reporting.audit.views import (
    file_name,
    judged_entity,
    night_file,
    rule_name,
    share_line,
    thresholds,
    troubles_of,
)
from include.reporting.audit.words import entity_name, named, night_label, number, say, share
from include.reporting.heat_map import LOW_BASE
from include.reporting.rendering import escaped
from include.reporting.words import period, word
from include.warehouse.night_summary import Language


class Finding(NamedTuple):
    """A rule that found rows: what it found tonight and the night before, and its shares of the last nights."""

    check: Check
    before: Check | None
    shares: tuple[float | None, ...]


@dataclass(frozen=True)
class NightTold:
    """What both languages tell of a night, worked out once."""

    facts: AuditFacts
    night: datetime
    samples: Samples
    effect: NightEffect | None
    changes: Changes | None
    damaged: Sequence[str]
    moved: KeptMovement | None

    @cached_property
    def picture(self) -> FlowPicture | None:
        """Where its rows went."""
        return flow_picture(self.facts.night(self.night).flows)

    @cached_property
    def findings(self) -> list[Finding]:
        """The rules that found rows, the gravest verdict and the most rows first."""
        facts, before = self.facts, self.facts.before(self.night)
        earlier = facts.rules[before] if before else {}
        found = [one for one in facts.rules[self.night].values() if one.failed]
        return [
            Finding(one, earlier.get(one.rule_id), facts.rule_trend(one.rule_id, TREND_NIGHTS, self.night))
            for one in sorted(found, key=lambda one: (gravity(one.verdict), -one.failed, one.rule_id))
        ]


@dataclass(frozen=True)
class Card:
    """A figure of the night with its share of what came in and its value on the night before."""

    place: str
    name: str
    value: str
    share: str
    before: str


@dataclass(frozen=True)
class EffectRow:
    """A metric with and without the rows that don't count, in words."""

    name: str
    metric: str
    period: str
    counted: str
    n: str
    uncleaned: str
    all_n: str
    truth: str
    difference: str
    is_changed: bool
    is_low: bool


def night_page(told: NightTold, language: Language) -> dict[str, Any]:
    """What the template `night.html.j2` is given."""
    facts, night, effect, changes = told.facts, told.night, told.effect, told.changes
    found, state = facts.night(night), facts.states[night]
    before, after = facts.before(night), facts.after(night)
    label = night_label(night, facts.timezone)
    silent: dict[str, list[str]] = defaultdict(list)
    for one in facts.rules[night].values():
        if one.checked and not one.failed:
            silent[judged_entity(facts, language, one)].append(rule_name(facts, language, one.rule_id).rstrip("."))
    return {
        "label": label,
        "state": state,
        "state_says": _state_says(facts, night, language),
        "night": found,
        "links": {
            "before": (night_label(before, facts.timezone), night_file(before, language)) if before else None,
            "after": (night_label(after, facts.timezone), night_file(after, language)) if after else None,
        },
        "cards": _cards(found, facts.night(before) if before else None, language),
        "adds_up": say(language, "adds_up", **_counts(found.total)),
        "troubles": troubles_of(found, state, facts.ledger.unjudged.get(night, ()), language),
        "identical": say(language, "in_list").join(sorted({f"{source}.{feed}" for source, feed, _ in found.identical})),
        "judged_since": say(language, "in_list").join(
            say(language, "batch_on", batch=batch, night=night_label(when, facts.timezone))
            for batch, when in found.judged_since
        ),
        "picture": told.picture,
        "places": PLACES,
        "flow_rows": [
            (source, entity, flow.rows_in, [getattr(flow, place) for place in PLACES])
            for (source, entity), flow in found.flows.items()
        ],
        "entities_of": Counter(source for source, _ in found.flows),
        "moved": _moved(found.moved, language),
        "moved_since": sum(one.rows for one in found.moved_since),
        "rules": lines(_rule_row(told, one, language) for one in told.findings),
        "sampled": lines(
            _sampled(told, one.check, language) for one in told.findings if told.samples.get(one.check.rule_id)
        ),
        "silent": [(entity, _listed(sorted(names), language)) for entity, names in sorted(silent.items())],
        "silent_count": sum(map(len, silent.values())),
        "per_rule": PER_RULE,
        "damaged": say(language, "in_list").join(told.damaged),
        "trend_nights": min(TREND_NIGHTS, len(facts.last(TREND_NIGHTS, night))),
        "effects": [_effect_row(one, effect.currency, language) for one in effect.effects] if effect else [],
        "has_effect": effect is not None,
        "has_truth": effect is not None and any(one.truth is not None for one in effect.effects),
        "movement": movement_view(told.moved, language, facts.timezone),
        "changes": changes,
        "rule_changes": [_rule_change(one, language) for one in changes.rules] if changes else [],
        "decisions": [_decision(one, facts.timezone, language) for one in facts.decisions.get(night, ())],
    }


def _state_says(facts: AuditFacts, night: datetime, language: Language) -> list[str]:
    """The state of a night in sentences."""
    state = facts.states[night]
    sources = say(language, "in_list").join(state.missing)
    said = [say(language, f"{state.outcome}_says", sources=sources)]
    if state.missing and state.outcome != "incomplete":
        said.append(say(language, "failed_missing", sources=sources))
    if state.failed_steps and state.outcome in ("published", "incomplete"):
        said.append(say(language, "failed_again"))
    if facts.after(night) is None and state.outcome in ("failed", "unfinished", "built"):
        served = facts.served
        said.append(
            say(language, "served_night", night=night_label(served, facts.timezone))
            if served
            else say(language, "nothing_served")
        )
    return said


def _counts(flow: Flow) -> dict[str, str]:
    return {name: number(getattr(flow, name)) for name in ("rows_in", *PLACES)}


def _cards(night: LedgerNight, before: LedgerNight | None, language: Language) -> list[Card]:
    total = night.total

    def card(place: str) -> Card:
        rows = getattr(total, place)
        told = say(language, "card_no_before")
        if before:
            told = say(language, "card_before", value=number(getattr(before.total, place)))
        part = ""
        if place != "rows_in" and total.rows_in:
            part = say(language, "card_share", share=share(language, rows, total.rows_in))
        return Card(place, named(language, "place", place), number(rows), part, told)

    return [card(place) for place in ("rows_in", *PLACES)]


def _rule_row(told: NightTold, finding: Finding, language: Language) -> str:
    """A rule's row of the table."""
    facts, (check, before, shares) = told.facts, finding
    file, failed = escaped(file_name(check.rule_id)), number(check.failed)
    limits = thresholds(language, facts.rule_words.get(check.rule_id))
    return pattern(language, "rule_row").format(
        file=file,
        name=escaped(rule_name(facts, language, check.rule_id)),
        entity=escaped(judged_entity(facts, language, check)),
        thresholds=f" · {escaped(limits)}" if limits else "",
        verdict=escaped(check.verdict),
        judged=escaped(named(language, "verdict", check.verdict)),
        stopped=pattern(language, "stopped") if check.stopped else "",
        failed=f'<a href="#rows-{file}">{failed}</a>' if told.samples.get(check.rule_id) else failed,
        checked=number(check.checked),
        share=escaped(share(language, check.failed, check.checked)),
        before=escaped(share(language, before.failed, before.checked)) if before else "–",
        line=share_line(language, shares).drawn("spark"),
    )


def _sampled(told: NightTold, check: Check, language: Language) -> str:
    """Rows that a rule found."""
    rule, rows = rule_name(told.facts, language, check.rule_id), told.samples[check.rule_id]
    drawn = (
        one.drawn(language, named(language, "status", one.status), (one.zh if language == "zh" else one.en) or rule)
        for one in rows
    )
    return pattern(language, "samples").format(
        file=escaped(file_name(check.rule_id)),
        name=escaped(rule),
        entity=escaped(judged_entity(told.facts, language, check)),
        shown=escaped(say(language, "samples_of", shown=len(rows), all=number(check.failed))),
        caption=escaped(say(language, "samples_caption", rule=rule)),
        rows="\n".join(drawn),
    )


def _listed(names: Sequence[str], language: Language) -> Markup:
    """Names one after the other."""
    return Markup(escaped(say(language, "between")).join(map(escaped, names)))


def _decision(decision: Decision, timezone: str, language: Language) -> dict[str, str]:
    """A decision as the page tells it: what each line is called, and what it says."""
    which = say(language, "decided_whole")
    if not decision.is_whole:
        ranges = say(language, "between").join(
            f"{entity_name(language, entity)} {rows}" for entity, rows in decision.rows.items()
        )
        which = say(language, "decided_some", n=number(decision.row_count), rows=ranges)
    when = decision.decided_at.astimezone(ZoneInfo(timezone))
    told = {
        say(language, "decided"): named(language, "decision", decision.verdict),
        say(language, "decided_batch"): decision.batch_id,
        say(language, "decided_rows"): which,
        say(language, "column_rule"): decision.rule or "",
        say(language, "decided_who"): decision.who,
        say(language, "decided_why"): decision.why,
        say(language, "decided_at"): f"{when:%Y-%m-%d %H:%M}",
        say(language, "decided_id"): decision.decision_id,
    }
    return {name: value for name, value in told.items() if value}


def _moved(moved: Sequence[Moved], language: Language) -> str:
    return say(language, "in_list").join(
        say(language, "moved_one", n=number(one.rows), entity=entity_name(language, one.entity), source=one.source)
        for one in moved
    )


def _effect_row(effect: Effect, currency: str, language: Language) -> EffectRow:
    def told(value: float | None, *, signed: bool = False) -> str:
        if value is None:
            return say(language, "no_value")
        return amount(value, effect.unit, language, currency, signed=signed, beside=effect.value if signed else None)

    difference = "–"
    is_changed = False
    if effect.value is not None and effect.all_value is not None:
        is_changed = abs(effect.value - effect.all_value) > 1e-9
        difference = (
            told(effect.value - effect.all_value, signed=True) if is_changed else say(language, "no_difference")
        )
    when = "–"
    if effect.grain and effect.period_start:
        start = date.fromisoformat(effect.period_start)
        is_day = effect.grain == "snapshot"
        when = word(language, "as_of_day", day=start) if is_day else period(language, effect.grain, start)
    return EffectRow(
        name=effect.name_zh if language == "zh" else effect.name_en,
        metric=effect.metric,
        period=when,
        counted=told(effect.value),
        n=number(effect.n),
        uncleaned=told(effect.all_value),
        all_n=number(effect.all_n),
        truth="–" if effect.truth is None else told(effect.truth),
        difference=difference,
        is_changed=is_changed,
        is_low=effect.n is not None and effect.value is not None and effect.n < LOW_BASE,
    )


def _rule_change(change: RuleChange, language: Language) -> tuple[str, str]:
    """What became of a rule: a line, and what it said before and says now where that is another thing."""

    def words(rule: RuleWords) -> str:
        return (rule.zh if language == "zh" else rule.en).rstrip(".")

    def whole(rule: RuleWords) -> str:
        parts = [words(rule), named(language, "verdict", rule.verdict), thresholds(language, rule)]
        return say(language, "between").join(part for part in parts if part)

    if change.before is None and change.after is not None:
        return say(language, "rule_new", rule=whole(change.after)), ""
    if change.after is None and change.before is not None:
        return say(language, "rule_gone", rule=whole(change.before)), ""
    if change.before is None or change.after is None:
        return "", ""
    was, now = whole(change.before), whole(change.after)
    said = [say(language, "rule_was", was=was, now=now)] if was != now else []
    said += [say(language, "rule_query")] if change.before.looks_at != change.after.looks_at else []
    return say(language, "rule_changed", rule=words(change.after)), say(language, "between").join(said)
