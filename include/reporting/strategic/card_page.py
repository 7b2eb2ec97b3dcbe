"""The model card in words and pictures: what its template prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.reporting.amounts import amount
from include.reporting.heat_map import LOW_BASE, style_at
from include.reporting.phrases import Phrases
from include.reporting.served_facts import local_as_of
from include.reporting.strategic.card_facts import CardFacts, Row
from include.reporting.strategic.charts import Chart, Series, boxes_of, chart_of
from include.reporting.words import member_named
from include.reporting.words import named as common_name
from include.warehouse.night_summary import Language

_PHRASES = Phrases(Path(__file__).with_name("words.yml"))
OFTEN = ("1", "2", "3-4", "5-7", "8+")
AGO = ("0-30", "31-90", "91-180", "181-365", "366+")


@dataclass(frozen=True)
class Cell:
    """A cell of a triangle or heat map: its text, its cases, how strongly it is coloured (0-1; null: nothing known)."""

    text: str
    n: int
    strength: float | None

    @property
    def is_few(self) -> bool:
        """Whether it rests on few customers."""
        return self.n < LOW_BASE

    @property
    def colour(self) -> str:
        """Background and ink, which can be read on it."""
        if self.strength is None:
            return "transparent"
        fill, ink = style_at(self.strength)
        return f"{fill}; color: {ink}"


@dataclass(frozen=True)
class ModelView:
    """A churn model: its name, its verdict in words, its figures, its pictures."""

    title: str
    verdict: str
    figures: list[tuple[str, str]]
    calibration: Chart | None
    lift: Chart | None


def say(language: Language, name: str, /, **about: object) -> str:
    """A phrase of the card."""
    return _PHRASES.say(language, name, **about)


def card_page(facts: CardFacts, language: Language) -> dict[str, Any]:
    """What the template `model_card.html.j2` is given."""
    summary = facts.summaries[language]
    return {
        "as_of": say(language, "as_of", moment=f"{local_as_of(summary):%Y-%m-%d %H:%M}", zone=summary.time_zone),
        "models": [_model(model, facts.bins, language) for model in facts.models],
        "cohort_months": range(13),
        "cohorts": _triangle(facts.cohorts),
        "survivals": _survivals(facts),
        "losses": [_loss(row, language, summary.currency) for row in facts.losses],
        "values": _values(facts.values, language),
        "value_models": [_value_model(row, language) for row in facts.value_models],
        "currency": summary.currency,
        "often": OFTEN,
        "ago": AGO,
        "rhythm": _rhythm(facts.rhythm),
        "calls": [_call(row, language, summary.currency) for row in facts.calls],
        "links": [_link(row, language) for row in facts.links],
    }


def _model(model: Row, bins: Sequence[Row], language: Language) -> ModelView:
    own = [row for row in bins if row["customer_kind"] == model["customer_kind"]]
    figures = [
        (say(language, "fitted_at"), str(model["fit_date"])),
        (say(language, "test_months"), _until(model["test_from_date"], model["test_to_date"])),
        (say(language, "test_cases"), f"{model['test_lost_count']:,} / {model['test_row_count']:,}"),
        (say(language, "naive_rate"), _told(model["naive_rate"], "share", language)),
        (say(language, "auc"), _number(model["auc"], 3)),
        (say(language, "brier"), _beside(model["brier"], model["naive_brier"])),
        (say(language, "gain"), _interval(model["brier_gain_low"], model["brier_gain_high"], 4)),
        (say(language, "calibration_error"), _told(model["calibration_error"], "share", language)),
        (say(language, "lift"), _number(model["lift_top_decile"], 1)),
    ]
    reason = model["reason_zh" if language == "zh" else "reason_en"]
    used = say(language, "model_is_used" if model["is_used"] else "naive_is_used")
    rate = (
        sum(row["observed_rate"] * row["row_count"] for row in own) / sum(row["row_count"] for row in own) if own else 0
    )
    return ModelView(
        title=say(language, f"model_{model['customer_kind']}", days=model["horizon_days"]),
        verdict=f"{used} {reason or ''}".strip(),
        figures=[(name, text) for name, text in figures if text],
        calibration=_calibration(own) if own else None,
        lift=_lift(own, rate) if rate else None,
    )


def _calibration(bins: Sequence[Row]) -> Chart:
    pairs = [(row["predicted_rate"], row["observed_rate"]) for row in bins]
    most = max(max(pair) for pair in pairs)
    return chart_of([Series("limit", [(0, 0), (most, most)]), Series("point", pairs, is_joined=False)], True, True)


def _lift(bins: Sequence[Row], rate: float) -> Chart:
    """How many times the mean rate each bin was lost, highest forecasts first."""
    values = [(number, row["observed_rate"] / rate) for number, row in enumerate(reversed(bins), start=1)]
    return chart_of([Series("limit", [(0, 1), (len(values), 1)]), Series("line", values)], False, False)


def _survivals(facts: CardFacts) -> list[tuple[int, Chart]]:
    """Share of customers left after each renewal, by term: as decided (Kaplan and Meier 1958), and by sBG."""
    from include.customer_value.sbg import survival  # noqa: PLC0415 - scipy, and most pages need none

    charts = []
    for model in facts.survival_fitted:
        observed = [(0.0, 1.0)]
        decided = [row for row in facts.survival_observed if row["term_months"] == model["term_months"]]
        for number, row in enumerate(decided, start=1):
            if row["number"] != number:
                break  # without a share of each decision before it there is none of those left
            observed.append((number, observed[-1][1] * row["renewed"] / row["due"]))
        if len(observed) > 1:
            fitted = list(enumerate(survival((model["alpha"], model["beta"]), len(observed) - 1).tolist()))
            series = [Series("line", fitted), Series("point", observed, is_joined=False)]
            charts.append((model["term_months"], chart_of(series, False, True)))
    return charts


def _loss(row: Row, language: Language, currency: str) -> Row:
    return {
        "reason": member_named(language, "end_reason", row["reason"]) if row["reason"] else say(language, "no_reason"),
        "share": _told(row["share"], "share", language),
        "amount": _told(row["amount"], "currency", language, currency),
        **{kind: f"{row[kind]:,}" for kind in ("contracts", "voluntary", "involuntary", "unknown")},
    }


def _values(rows: Sequence[Row], language: Language) -> Chart | None:
    if not rows:
        return None
    groups = []
    for row in rows:
        tier, _, *quantiles = row.values()
        groups.append((member_named(language, "tier", tier), [float(value) for value in quantiles]))
    return boxes_of(groups)


def _value_model(row: Row, language: Language) -> Row:
    is_all_terms = row["model_kind"] == "sbg" and row["term_months"] == 0
    name = "value_sbg_all_terms" if is_all_terms else f"value_{row['model_kind']}"
    parameters = [
        # one at the end of its range has no error
        f"{told} {_significant(row[told], 4)}"
        + (f" ± {_significant(error, 2)}" if (error := row[f"{told}_se"]) else "")
        for told in row
        if f"{told}_se" in row and row[told] is not None
    ]
    held_out = ""
    if row["hold_out_brier"] is not None:
        figures = {"days": row["hold_out_days"], "auc": _number(row["hold_out_auc"], 2)}
        brier = _beside(row["hold_out_brier"], row["hold_out_naive_brier"])
        held_out = say(language, "held_out_says", **figures, brier=brier)
    return {
        "name": say(language, name, term=row["term_months"]),
        "cases": _number(row["customer_count"] if row["case_count"] is None else row["case_count"], 0),
        "parameters": say(language, "in_list").join(parameters) or say(language, "not_fitted"),
        "likelihood": _number(row["log_likelihood"], 1),
        "held_out": held_out,
        "warnings": row[f"warnings_{language}"] or "",
    }


def _triangle(rows: Sequence[Row]) -> list[tuple[str, int, list[Cell | None]]]:
    cohorts: dict[Any, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        cohorts[row["cohort_month"]][row["month_number"]] = row
    table = []
    for month, known in sorted(cohorts.items()):
        cells: list[Cell | None] = []
        for number in range(13):
            found = known.get(number)
            if found is None or not found["cohort_size"] or found["active_count"] is None:
                cells.append(None)
                continue
            share = found["active_count"] / found["cohort_size"]
            cells.append(Cell(f"{share:.0%}", found["cohort_size"], share))
        table.append((f"{month:%Y-%m}", max(row["cohort_size"] for row in known.values()), cells))
    return table


def _rhythm(rows: Sequence[Row]) -> list[tuple[str, list[Cell | None]]]:
    known = {(row["often"], row["ago"]): row for row in rows}
    table = []
    for often, name in enumerate(OFTEN):
        cells: list[Cell | None] = []
        for ago in range(len(AGO)):
            found = known.get((often, ago))
            if found is None:
                cells.append(None)
            else:
                alive = found["p_alive"]
                cells.append(Cell("–" if alive is None else f"{alive:.0%}", found["customers"], alive))
        table.append((name, cells))
    return table


def _call(row: Row, language: Language, currency: str) -> Row:
    reasons = [row[f"reason_{number}_{language}"] for number in (1, 2, 3)]
    return {
        "rank": row["call_rank"],
        "customer": row["customer_id"],
        "tier": member_named(language, "tier", row["tier"]) if row["tier"] else "",
        "health": _number(row["health_score"], 0),
        "probability": _told(row["churn_probability"], "share", language),
        "value": _told(row["value_12m"], "currency", language, currency),
        "saved": _told(row["expected_value_saved"], "currency", language, currency),
        "reasons": say(language, "in_list").join(reason for reason in reasons if reason),
    }


def _link(row: Row, language: Language) -> Row:
    return {
        "score": f"{row['score_kind'].upper()} ({common_name(language, 'purpose', row['purpose'])})",
        "outcome": say(language, row["outcome"]),
        "n": f"{row['customer_count']:,}",
        "spearman": f"{row['spearman']:.2f} {_interval(row['spearman_low'], row['spearman_high'], 2)}",
        "odds": ""
        if row["odds_ratio"] is None
        else f"{row['odds_ratio']:.2f} {_interval(row['odds_ratio_low'], row['odds_ratio_high'], 2)}",
        "beside": say(language, "in_list").join(
            say(language, f"beside_{name}") for name in (row["adjusted_for"] or "").split(",") if name
        ),
    }


def _until(first: Any, last: Any) -> str:
    return "" if first is None else str(first) if first == last else f"{first} – {last}"


def _told(value: float | None, unit: str, language: Language, currency: str = "") -> str:
    return "" if value is None else amount(value, unit, language, currency)


def _significant(value: float, digits: int) -> str:
    """A number to some significant digits, never with a power of ten."""
    return f"{float(f'{value:.{digits}g}'):,.10g}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _beside(own: float | None, naive: float | None) -> str:
    return "" if own is None or naive is None else f"{_number(own, 4)} / {_number(naive, 4)}"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None or high is None else f"[{low:.{digits}f}, {high:.{digits}f}]"
