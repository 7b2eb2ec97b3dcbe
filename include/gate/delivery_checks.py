"""Hold a delivery as a whole against what is usual: volume, arrival, columns, codes and scores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from include.gate.arrivals import days_without, is_late, late_words
from include.gate.batch_rules import BatchRule
from include.gate.context import Context
from include.gate.drift import Finding, judge
from include.gate.figures import DeliveryFigures
from include.gate.judging import Judged
from include.gate.ledger import DRIFT_REMARK, CheckResult


def check_delivery(
    judged: Judged,
    figures: DeliveryFigures | None,
    context: Context,
    came: Sequence[datetime],
    night: datetime,
    volume: tuple[bool, str | None],
    rules: Sequence[BatchRule],
) -> list[Finding]:
    """What the rules about whole deliveries find.

    Args:
        judged: the delivery.
        figures: its own; null where it has none.
        context: of its source.
        came: the nights in which its feed brought something.
        night: tonight.
        volume: whether its number of records can be judged, and what is unusual about it.
        rules: those that hold.
    """
    batch, first = judged.batch, judged.entities[0]
    mine = [rule for rule in rules if not rule.leaves_alone(batch.source, batch.feed)]
    usual = context.usual_figures.get(batch.feed)
    findings = judge(mine, figures, usual) if figures and usual else []
    days, days_usual = days_without(came, night), context.usual_days.get(batch.feed)
    for rule in mine:
        if rule.figure == "volume" and volume[0]:
            findings.append(Finding(rule, first, 1, tuple(filter(None, [volume[1]]))))
        if rule.figure == "arrival" and days is not None and days_usual is not None:
            words = (late_words(days, days_usual),) if is_late(rule, days, days_usual) else ()
            findings.append(Finding(rule, first, 1, words))
    return findings


def stop_message(judged: Judged, findings: Sequence[Finding]) -> str | None:
    """Why a delivery is to be stopped, if it is; begins with the rule's id."""
    for one in findings:
        if one.rule.verdict == "stop" and one.failed:
            batch = judged.batch
            return f"{one.rule.id}: {batch.source}.{batch.feed} {one.entity}: {', '.join(one.failed)} [SM306]"
    return None


def drift_remark(judged: Judged, findings: Sequence[Finding]) -> str | None:
    """What is unusual about a delivery that is judged as any other, save its volume."""
    words = [
        f"{one.entity} {', '.join(one.failed)}"
        for one in findings
        if one.rule.verdict == "note" and one.rule.figure != "volume" and one.failed
    ]
    return f"{DRIFT_REMARK} {judged.batch.source}.{judged.batch.feed}: {', '.join(words)}" if words else None


def check_results(findings: Sequence[Finding], stopped_by: str) -> list[CheckResult]:
    """The findings as the ledger keeps them; counts are of figures."""
    return [
        CheckResult(
            entity=one.entity,
            rule_id=one.rule.id,
            verdict=one.rule.verdict,
            failed_count=len(one.failed),
            checked_count=one.judged,
            stopped=one.rule.id == stopped_by and bool(one.failed),
        )
        for one in findings
    ]
