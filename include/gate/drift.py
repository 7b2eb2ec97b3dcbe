"""Hold a delivery's figures against the usual ones of its feed, by the rules of `expectations/rules/batch.yml`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from include.gate.batch_rules import BatchRule, Figure
from include.gate.figures import ColumnFigures, DeliveryFigures, EntityFigures, UsualFigures

# A share of 0 has no logarithm. Half a row in its place lets the index grow with what the absence says: that none of
# 200 rows has a value of 2 % is chance, that none of 20,000 has is not; a fixed small share makes both the same.
_HALF_A_ROW = 0.5


@dataclass(frozen=True)
class Finding:
    """What a rule says of one entity of a delivery: figures judged, and those that fail, in words."""

    rule: BatchRule
    entity: str
    judged: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """The figures of an entity now and usually."""

    now: EntityFigures
    usual: EntityFigures

    def columns(
        self, are_enough: Callable[[ColumnFigures], bool]
    ) -> Iterable[tuple[str, ColumnFigures, ColumnFigures]]:
        """Columns that the mapping has now and had, where there are enough rows on both sides."""
        for name, now in self.now.columns.items():
            usual = self.usual.columns.get(name)
            if usual is not None and are_enough(now) and are_enough(usual):
                yield name, now, usual


def judge(rules: Sequence[BatchRule], now: DeliveryFigures, usual: UsualFigures) -> list[Finding]:
    """What the rules find in a delivery; a rule that has nothing to judge it by is left out."""
    first = next(iter(now.entities), None)
    if first is None:
        return []
    findings = []
    for rule in rules:
        if rule.figure == "columns_found":
            # A few JSON records need not have every key that the feed has.
            if now.records >= rule.settings["min_rows"]:
                findings.append(Finding(rule, first, 1, _columns_lacking(rule, now, usual)))
            continue
        by_figure = _BY_FIGURE.get(rule.figure)
        for entity, figures in now.entities.items() if by_figure else ():
            if entity in usual.entities and by_figure:
                judged, failed = by_figure(rule, _Pair(figures, usual.entities[entity]))
                if judged:
                    findings.append(Finding(rule, entity, judged, tuple(failed)))
    return findings


def _columns_lacking(rule: BatchRule, now: DeliveryFigures, usual: UsualFigures) -> tuple[str, ...]:
    if _reaches(now.columns_found, rule.settings["share"] * usual.columns_found):
        return ()
    return (f"{now.columns_found} mapped columns found, {usual.columns_found:g} are usual",)


_Judged = tuple[int, list[str]]


def _emptied(rule: BatchRule, pair: _Pair) -> _Judged:
    judged, failed = 0, []
    for name, now, usual in pair.columns(_rows_enough(rule)):
        filled = 1 - usual.missing_share
        if _reaches(filled, rule.settings["filled_share"]):
            judged += 1
            if now.missing == now.rows:
                failed.append(f"{name} is empty ({filled:.0%} are usually filled)")
    return judged, failed


def _missing(rule: BatchRule, pair: _Pair) -> _Judged:
    judged, failed = 0, []
    for name, now, usual in pair.columns(_rows_enough(rule)):
        judged += 1
        rise = now.missing_share - usual.missing_share
        share = (now.missing + usual.missing) / (now.rows + usual.rows)
        error = math.sqrt(share * (1 - share) * (1 / now.rows + 1 / usual.rows))
        if _reaches(rise, rule.settings["rise"]) and rise > rule.settings["sigmas"] * error:
            failed.append(f"{name} is missing in {now.missing_share:.0%} ({usual.missing_share:.0%} is usual)")
    return judged, failed


def _distributed(rule: BatchRule, pair: _Pair, kinds: tuple[bool, ...]) -> _Judged:
    judged, failed = 0, []
    for name, now, usual in pair.columns(_values_enough(rule)):
        if usual.is_score in kinds and now.values is not None and usual.values is not None:
            judged += 1
            index, bins = stability_index(usual.values, now.values, rule.settings["min_share"])
            limit = chance_index(bins, sum(usual.values.values()), sum(now.values.values()), rule.settings["sigmas"])
            if _reaches(index, rule.settings["psi"]) and index > limit:
                failed.append(f"{name} PSI {index:.2f}")
    return judged, failed


def _categories(rule: BatchRule, pair: _Pair) -> _Judged:
    return _distributed(rule, pair, (False,))


def _scores(rule: BatchRule, pair: _Pair) -> _Judged:
    return _distributed(rule, pair, (True,))


def _broken(rule: BatchRule, pair: _Pair) -> _Judged:
    judged, failed = _distributed(rule, pair, (False, True))
    is_broken = _reaches(len(failed), max(rule.settings["least"], rule.settings["share"] * judged))
    return judged, failed if is_broken else []


_BY_FIGURE: Mapping[Figure, Callable[[BatchRule, _Pair], _Judged]] = {
    "emptied": _emptied,
    "missing": _missing,
    "categories": _categories,
    "scores": _scores,
    "distributions": _broken,
}


def _reaches(value: float, limit: float) -> bool:
    """At a limit counts, also where the last binary digit of a difference says otherwise."""
    return value >= limit - 1e-9


def _rows_enough(rule: BatchRule) -> Callable[[ColumnFigures], bool]:
    return lambda column: column.rows >= max(rule.settings["min_rows"], 1)


def _values_enough(rule: BatchRule) -> Callable[[ColumnFigures], bool]:
    return lambda column: sum((column.values or {}).values()) >= max(rule.settings["min_rows"], 1)


def stability_index(usual: Mapping[str, int], now: Mapping[str, int], min_share: float) -> tuple[float, int]:
    """The population stability index of a distribution, and the number of its bins.

    Args:
        usual: how often each value occurs usually, which fixes the bins: each value of at least `min_share` is one; all
            others, also those that only occur now, are one together.
        now: the same of now.
        min_share: 0 to 1.

    Returns:
        Σ (now − usual) · ln(now ÷ usual) over the bins' shares: 0 for the same distribution.

    Source: Siddiqi, Credit Risk Scorecards, 2006 (under 0.1 no change, from 0.25 on another population).
    """
    total_usual, total_now = sum(usual.values()), sum(now.values())
    kept = [value for value, count in usual.items() if count >= min_share * total_usual]
    bins = [(usual[value], now.get(value, 0)) for value in kept]
    others = (total_usual - sum(count for count, _ in bins), total_now - sum(count for _, count in bins))
    if any(others):
        bins.append(others)
    index = 0.0
    for count_usual, count_now in bins:
        expected = (count_usual or _HALF_A_ROW) / total_usual
        actual = (count_now or _HALF_A_ROW) / total_now
        index += (actual - expected) * math.log(actual / expected)
    return index, len(bins)


def chance_index(bins: int, usual_rows: int, rows: int, sigmas: float) -> float:
    """How large the index of an unchanged distribution becomes by chance: its mean and `sigmas` standard deviations.

    Source: Yurdakul & Naranjo, Statistical properties of the population stability index, 2020: the index times
    1 ÷ (1/n + 1/m) is about a χ² of bins − 1 degrees of freedom, whose mean is that and whose variance twice that.
    """
    freedom = max(bins - 1, 0)
    return (freedom + sigmas * math.sqrt(2 * freedom)) * (1 / usual_rows + 1 / rows)
