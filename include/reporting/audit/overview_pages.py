"""The index of all nights, and the pages of one rule and of one source: what their templates print."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.gate.batch_rules import ENTITY as BATCH
from include.reporting.audit.ledger_facts import Check, Flow, LedgerNight, gravity
from include.reporting.audit.page_facts import TABLE_NIGHTS, TREND_NIGHTS, AuditFacts
from include.reporting.audit.patterns import lines, pattern
from include.reporting.audit.views import (
    Line,
    Trouble,
    chart,
    judged_entity,
    night_file,
    rule_name,
    share_line,
    share_of,
    split,
    thresholds,
    troubles_of,
)
from include.reporting.audit.words import entity_name, named, night_label, number, say, share
from include.reporting.rendering import escaped
from include.warehouse.night_summary import Language

# Rows of the index's table; older nights are listed by their names, so that the page stays light.
INDEX_NIGHTS = 366
CHART_NIGHTS = 90
PARTS = ("quarantined", "held", "not_counted")


@dataclass(frozen=True)
class NightRow:
    """A night in the index; the parts of `bar` are in per cent of the rows that came in."""

    label: str
    file: str
    outcome: str
    missing: str
    rows_in: int
    shares: dict[str, str]
    says: str
    bar: list[tuple[str, float]]


@dataclass(frozen=True)
class RuleLink:
    """A rule in a list."""

    rule_id: str
    name: str
    entity: str
    verdict: str
    failed: int
    checked: int
    share: str
    line: Line


@dataclass(frozen=True)
class Drift:
    """What a rule about whole deliveries found in a source: columns, questions or deliveries, over some nights."""

    rule_id: str
    name: str
    verdict: str
    failed: int
    checked: int
    line: Line
    last: tuple[str, str] | None  # the last night on which it found something: its label and its page


def index_page(facts: AuditFacts, language: Language) -> dict[str, Any]:
    """What the template `index.html.j2` is given."""
    shown = facts.last(INDEX_NIGHTS)
    older = facts.order[: len(facts.order) - len(shown)]
    charted, recent = facts.last(CHART_NIGHTS), facts.last(TREND_NIGHTS)
    latest = facts.order[-1] if facts.order else None
    return {
        "nights": [_night_row(facts, night, language) for night in reversed(shown)],
        "older": [(night_label(night, facts.timezone), night_file(night, language)) for night in reversed(older)],
        "latest": night_label(latest, facts.timezone) if latest else "",
        "charts_shown": [
            chart(
                facts,
                language,
                say(language, "trend_rows"),
                charted,
                [facts.night(night).total.rows_in or None for night in charted],
                is_share=False,
            ),
            *(
                chart(
                    facts,
                    language,
                    say(language, f"trend_{part}"),
                    charted,
                    [share_of(facts.night(night), part) for night in charted],
                    is_share=True,
                )
                for part in PARTS
            ),
        ]
        if latest
        else [],
        "sources": [_source_row(facts, source, recent) for source in facts.ledger.sources()],
        "recent": len(recent),
        "rules": _recent_rules(facts, language, recent),
        "silent": _silent_rules(facts, language, recent),
    }


def rule_page(facts: AuditFacts, rule_id: str, language: Language) -> dict[str, Any]:
    """What the template `rule.html.j2` is given."""
    rule = facts.rule_words.get(rule_id)
    checked = facts.checked.get(rule_id, [])
    nights = checked[-TABLE_NIGHTS:]
    last = facts.rules[checked[-1]][rule_id] if checked else None
    by_source: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for night in nights:
        for one in facts.checks[night][rule_id]:
            by_source[one.source][0] += one.failed
            by_source[one.source][1] += one.checked
    charted = facts.last(CHART_NIGHTS)
    name = rule_name(facts, language, rule_id)
    entity = rule.entity if rule else last.entity if last else ""
    verdict = rule.verdict if rule else last.verdict if last else ""
    return {
        "label": name,
        "rule_id": rule_id,
        "entity_words": entity_name(language, entity) if entity else "",
        "verdict": named(language, "verdict", verdict),
        "requirement": rule.requirement if rule else "",
        "thresholds": thresholds(language, rule) or say(language, "no_thresholds"),
        "chart": chart(
            facts,
            language,
            say(language, "over_time_share"),
            charted,
            facts.rule_trend(rule_id, CHART_NIGHTS),
            is_share=True,
        ),
        "nights": nights,
        "rows": lines(_rule_night(facts, night, facts.rules[night][rule_id], language) for night in reversed(nights)),
        "by_source": [
            (source, failed, looked_at, share(language, failed, looked_at))
            for source, (failed, looked_at) in sorted(by_source.items())
        ],
    }


def source_page(facts: AuditFacts, source: str, language: Language) -> dict[str, Any]:
    """What the template `source.html.j2` is given."""
    shown, charted = facts.last(TABLE_NIGHTS), facts.last(CHART_NIGHTS)
    troubles: list[Trouble] = []
    for night in reversed(shown):
        unjudged = facts.ledger.unjudged.get(night, ())
        found = troubles_of(facts.night(night), facts.states[night], unjudged, language)
        troubles += [one for one in found if one.source == source]
    records = [facts.night(night).received.get(source) for night in charted]
    return {
        "label": source,
        "feeds": _feeds(facts, source),
        "charts_shown": [
            chart(facts, language, say(language, "volume_records"), charted, records, is_share=False),
            *(
                chart(
                    facts,
                    language,
                    say(language, f"trend_{part}"),
                    charted,
                    [share_of(facts.night(night), part, source) for night in charted],
                    is_share=True,
                )
                for part in PARTS
            ),
        ],
        "drift": _drift(facts, source, language, shown),
        "nights": [_source_night(facts, source, night, language) for night in reversed(shown)],
        "troubles": [
            (night_label(one.night, facts.timezone), night_file(one.night, language), one) for one in troubles
        ],
        "usual_nights": facts.context_nights,
        "shown": len(shown),
    }


def _night_row(facts: AuditFacts, night: datetime, language: Language) -> NightRow:
    found, state = facts.night(night), facts.states[night]
    flow = found.total
    return NightRow(
        label=night_label(night, facts.timezone),
        file=night_file(night, language),
        outcome=state.outcome,
        missing=say(language, "in_list").join(state.missing),
        rows_in=flow.rows_in,
        shares={part: share(language, getattr(flow, part), flow.rows_in) for part in PARTS},
        says=split(language, found),
        bar=_bar(flow),
    )


def _bar(flow: Flow) -> list[tuple[str, float]]:
    """The parts of a bar in per cent: what counts in plain, the rest at least as wide as can be seen."""
    if not flow.rows_in:
        return []
    parts = [
        (part, max(round(100 * getattr(flow, part) / flow.rows_in, 2), 1.5)) for part in PARTS if getattr(flow, part)
    ]
    return [("counted", round(100 - sum(width for _, width in parts), 2)), *reversed(parts)]


def _source_row(facts: AuditFacts, source: str, nights: list[datetime]) -> tuple[str, Flow, str]:
    """A source's rows over nights, and the night on which something new last came."""
    flow = sum((facts.night(night).of_source(source) for night in nights), Flow())
    came = [night for night in facts.order if any(one.source == source for one in facts.night(night).deliveries)]
    return source, flow, night_label(came[-1], facts.timezone) if came else ""


def _found(facts: AuditFacts, nights: list[datetime]) -> dict[str, list[int]]:
    """Rows found and looked at by each rule over nights."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for night in nights:
        for one in facts.rules[night].values():
            found[one.rule_id][0] += one.failed
            found[one.rule_id][1] += one.checked
    return found


def _last_check(facts: AuditFacts, rule_id: str) -> Check:
    return next(facts.rules[night][rule_id] for night in reversed(facts.order) if rule_id in facts.rules[night])


def _recent_rules(facts: AuditFacts, language: Language, nights: list[datetime]) -> list[RuleLink]:
    links = []
    for rule_id, (failed, checked) in _found(facts, nights).items():
        if failed:
            last = _last_check(facts, rule_id)
            links.append(
                RuleLink(
                    rule_id,
                    rule_name(facts, language, rule_id),
                    judged_entity(facts, language, last),
                    last.verdict,
                    failed,
                    checked,
                    share(language, failed, checked),
                    share_line(language, facts.rule_trend(rule_id, TREND_NIGHTS)),
                )
            )
    return sorted(links, key=lambda one: (gravity(one.verdict), -one.failed, one.rule_id))


def _silent_rules(
    facts: AuditFacts, language: Language, nights: list[datetime]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The rules that found nothing, by entity: name in the files and words."""
    found = _found(facts, nights)
    silent: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for rule_id, words in sorted(facts.rule_words.items()):
        if not found.get(rule_id, [0, 0])[0]:
            silent[entity_name(language, words.entity)].append((rule_id, rule_name(facts, language, rule_id)))
    return sorted(silent.items())


def _rule_night(facts: AuditFacts, night: datetime, check: Check, language: Language) -> str:
    """A night's row of the table."""
    return pattern(language, "night_row").format(
        file=night_file(night, language),
        night=escaped(night_label(night, facts.timezone)),
        failed=number(check.failed),
        stopped=pattern(language, "stopped") if check.stopped else "",
        checked=number(check.checked),
        share=escaped(share(language, check.failed, check.checked)),
    )


def _feeds(facts: AuditFacts, source: str) -> list[dict[str, Any]]:
    """When each feed last brought something new, and when the same again."""
    new: dict[str, datetime] = {}
    same: dict[str, datetime] = {}
    received: dict[str, datetime] = {}
    for gate in facts.ledger.gates:
        if gate.source == source and gate.kind == "full":
            new[gate.feed] = max(gate.night, new.get(gate.feed, gate.night))
            received[gate.feed] = max(gate.received_at, received.get(gate.feed, gate.received_at))
    for night in facts.order:
        for name, feed, _ in facts.night(night).identical:
            if name == source:
                same[feed] = night
    return [
        {
            "feed": feed,
            "last": night_label(new[feed], facts.timezone) if feed in new else None,
            "received": f"{received[feed]:%Y-%m-%d %H:%M} UTC" if feed in received else "",
            "since": len(facts.order) - 1 - facts.order.index(new[feed]) if feed in new else None,
            "same": night_label(same[feed], facts.timezone) if feed in same else None,
        }
        for feed in sorted({*new, *same})
    ]


def _drift(facts: AuditFacts, source: str, language: Language, nights: list[datetime]) -> list[Drift]:
    """What a source's deliveries were held against that is usual, by rule; a rule that judged nothing is left out."""
    found: list[Drift] = []
    for rule_id, words in sorted(facts.rule_words.items()):
        if words.entity != BATCH:
            continue
        counts = [
            (sum(one.failed for one in own), sum(one.checked for one in own))
            for own in (
                [one for one in facts.checks[night].get(rule_id, ()) if one.source == source] for night in nights
            )
        ]
        judged = sum(checked for _, checked in counts)
        if judged:
            drifted = [night for night, (failed, _) in zip(nights, counts, strict=True) if failed]
            last = (night_label(drifted[-1], facts.timezone), night_file(drifted[-1], language)) if drifted else None
            line = share_line(language, [failed / checked if checked else None for failed, checked in counts])
            failed = sum(failed for failed, _ in counts)
            name = rule_name(facts, language, rule_id)
            found.append(Drift(rule_id, name, words.verdict, failed, judged, line, last))
    return sorted(found, key=lambda one: (-one.failed, gravity(one.verdict), one.rule_id))


def _source_night(facts: AuditFacts, source: str, night: datetime, language: Language) -> dict[str, Any]:
    found: LedgerNight = facts.night(night)
    flow = found.of_source(source)
    usual = facts.usual(source, night)
    # a feed that has several deliveries in a night, as a first one has, is expected as often
    known = [one for one in found.deliveries if one.source == source and one.feed in usual]
    expected = sum(usual[one.feed] for one in known)
    times = sum(one.records or 0 for one in known) / expected if expected else None
    return {
        "label": night_label(night, facts.timezone),
        "file": night_file(night, language),
        "records": found.received.get(source, 0),
        "usual": number(round(expected)) if expected else "–",
        "times": f"{times:.1f}×" if times is not None else "–",
        "rows_in": flow.rows_in,
        "shares": {part: share(language, getattr(flow, part), flow.rows_in) for part in PARTS},
    }
