"""The metrics page in words: what its template prints, string by string."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from include.periods import period_text
from include.reporting.amounts import MINUS, amount
from include.reporting.control_limits import BASELINE
from include.reporting.heat_map import LOW_BASE, TOTAL, VERY_LOW_BASE, Cell, HeatMap
from include.reporting.served_facts import Card, ServedFacts, local_as_of
from include.reporting.trend_chart import Picture, picture_of
from include.reporting.trends import Point, Trend
from include.reporting.words import member_named, named, period, word
from include.warehouse.night_summary import Headline, Language, NightSummary


@dataclass(frozen=True)
class RowView:
    """A row of the table below a chart; `css` says how it is marked."""

    period: str
    value: str
    interval: str
    n: str
    remark: str
    css: str


@dataclass(frozen=True)
class MarkView:
    """A point of a chart with what is told of it."""

    x: float
    y: float
    css: str
    tip: str


@dataclass(frozen=True)
class TickView:
    """A label of an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class TrendView:
    """A chart and its table."""

    title: str
    says: str
    picture: Picture
    marks: list[MarkView]
    values: list[TickView]
    periods: list[TickView]
    rows: list[RowView]


@dataclass(frozen=True)
class CardView:
    """A headline metric. `value` is null where there is none, `raw` is the number as the warehouse has it."""

    metric: str
    name: str
    value: str | None
    raw: float | None
    period: str
    base: str
    base_says: str
    facts: list[str]
    change: str
    change_css: str
    arrow: str
    remarks: list[str]
    trend: TrendView | None
    no_trend: str
    trace: str
    trace_page: str


@dataclass(frozen=True)
class LayerView:
    """A section of cards."""

    layer: str
    title: str
    says: str
    cards: list[CardView]


@dataclass(frozen=True)
class CellView:
    """A cell of a heat map."""

    text: str
    n: str
    base: str
    fill: str
    ink: str
    label: str


@dataclass(frozen=True)
class HeatMapView:
    """A heat map: `rows` are a region's name and its cells."""

    purpose: str
    caption: str
    found: str
    dimensions: list[str]
    rows: list[tuple[str, list[CellView]]]
    low: str
    high: str
    legend: list[str]


def metrics_page(facts: ServedFacts, language: Language) -> dict[str, Any]:
    """What the template `metrics.html.j2` is given."""
    summary = facts.summaries[language]
    view = _Words(language, summary, facts)
    cards = facts.cards(language)
    layers = [
        LayerView(
            layer,
            word(language, layer),
            word(language, f"{layer}_says"),
            [view.card(card) for card in group],
        )
        for layer, group in groupby(cards, key=lambda card: card.headline.layer)
    ]
    quarter = period(language, "quarter", facts.quarter)
    return {
        "head": view.head(),
        "standing_out": [found for card in cards if (found := view.standing_out(card))],
        "layers": layers,
        "heat_says": word(language, "heat_says", quarter=quarter),
        "heat_none": word(language, "heat_none", quarter=quarter),
        "heat_maps": [view.heat_map(one) for one in facts.heat_maps],
        "has_model_card": facts.has_model_card,
        "low_base": LOW_BASE,
        "very_low_base": VERY_LOW_BASE,
    }


def trace_command(one: Headline) -> str:
    """What leads from a headline to the rows that it is made of."""
    period_asked = period_text(one.grain, one.period_start) if one.grain and one.period_start else ""
    return f"make trace METRIC={one.metric} PERIOD={period_asked}"


def trace_page(metric: str, language: Language) -> str:
    """The file with the rows behind a headline, beside the metrics page."""
    return f"trace_{metric}.{language}.html"


class _Words:
    """Facts of one night in one language."""

    def __init__(self, language: Language, summary: NightSummary, facts: ServedFacts) -> None:
        self.language = language
        self.summary = summary
        self.facts = facts

    def word(self, name: str, /, **about: object) -> str:
        return word(self.language, name, **about)

    def amount(self, value: float, unit: str, *, signed: bool = False, beside: float | None = None) -> str:
        return amount(value, unit, self.language, self.summary.currency, signed=signed, beside=beside)

    # --- the head ---

    def head(self) -> dict[str, Any]:
        """As-of line, run state, what is missing or held."""
        summary = self.summary
        moment = local_as_of(summary)
        troubles = sorted(
            {
                f"{one.source}.{one.feed}: {next(iter(one.message.splitlines()), self.word('untold'))}"
                for one in summary.troubles
            }
        )
        missing = self.word("in_list").join(summary.missing_sources)
        return {
            "as_of": self.word("as_of", moment=f"{moment:%Y-%m-%d %H:%M}", zone=summary.time_zone),
            "run": self.word("run", n=summary.run_number),
            "is_complete": not missing,
            "state": self.word("incomplete", sources=missing) if missing else self.word("complete"),
            "held": self.word("held", n=f"{summary.held_rows:,}") if summary.held_rows else "",
            "troubles": troubles,
        }

    def standing_out(self, card: Card) -> tuple[str, str, str] | None:
        """Metric, name and words of a card whose latest complete period lies outside or changed by more than chance."""
        one, said = card.headline, []
        latest = card.trend.latest if card.trend else None
        if card.trend and latest and latest.side and latest.period.value is not None:
            said.append(
                self.word(
                    f"out_{latest.side}",
                    value=self.amount(latest.period.value, one.unit),
                    period=period(self.language, card.trend.grain, latest.period.start),
                )
            )
        if one.is_significant and one.change is not None and one.value is not None:
            change = self.amount(one.change, one.unit, signed=True, beside=one.value)
            said.append(self.word("changed", change=change, before=self.before(one)))
        return (one.metric, one.name, self.word("between").join(said) + self.word("stop")) if said else None

    # --- cards ---

    def card(self, card: Card) -> CardView:
        one = card.headline
        trend = card.trend
        change, css, arrow = self.change(one)
        return CardView(
            metric=one.metric,
            name=one.name,
            value=None if one.value is None else self.amount(one.value, one.unit),
            raw=one.value,
            period=self.period(card),
            base=self.base(one),
            base_says=self.base_says(one),
            facts=self.figures(one),
            change=change,
            change_css=css,
            arrow=arrow,
            remarks=self.remarks(card),
            trend=self.trend(one, trend) if trend else None,
            no_trend="" if one.value is None else self.word("no_trend"),
            trace="" if one.period_start is None or one.grain is None else trace_command(one),
            trace_page=trace_page(one.metric, self.language) if one.metric in self.facts.traced else "",
        )

    def period(self, card: Card) -> str:
        one = card.headline
        if one.value is None or one.period_start is None:
            return ""
        if one.grain != "month":
            return self.word("as_of_day", day=one.period_start.isoformat())
        name = period(self.language, "month", one.period_start)
        return self.word("running", period=name) if card.is_running else name

    def base(self, one: Headline) -> str:
        """`none`, `very_low`, `low` or `sound`."""
        if one.value is None:
            return "none"
        if one.n is not None and one.n < VERY_LOW_BASE:
            return "very_low"
        return "low" if one.is_low_base else "sound"

    def base_says(self, one: Headline) -> str:
        base = self.base(one)
        if base == "very_low":
            return self.word("very_low_base", n=VERY_LOW_BASE)
        if base == "low":
            entry = self.facts.entries.get(one.metric)
            return self.word("low_base", n=entry.min_n if entry and entry.min_n else LOW_BASE)
        return ""

    def figures(self, one: Headline) -> list[str]:
        """Interval, n and target."""
        if one.value is None:
            return []
        found = []
        if one.ci_low is not None and one.ci_high is not None:
            low, high = (self.amount(end, one.unit, beside=one.value) for end in (one.ci_low, one.ci_high))
            found.append(self.word("interval", low=low, high=high))
        if one.n is not None:
            found.append(self.word("n", n=f"{one.n:,}"))
        entry = self.facts.entries.get(one.metric)
        if entry and entry.target is not None:
            found.append(self.word("target", target=self.amount(entry.target, one.unit, beside=one.value)))
        return found

    def before(self, one: Headline) -> str:
        return self.word("before_month" if one.grain == "month" else "before_other")

    def change(self, one: Headline) -> tuple[str, str, str]:
        """Words, style and arrow of the change against the period before."""
        if one.value is None:
            return "", "", ""
        if one.change is None:
            return self.word("no_change"), "", ""
        text = self.amount(one.change, one.unit, signed=True, beside=one.value)
        if text[0] not in f"+{MINUS}":
            return self.word("unchanged", before=self.before(one)), "", ""
        significance = {True: "significant", False: "not_significant", None: "not_tested"}[one.is_significant]
        said = [self.word("against", change=text, before=self.before(one)), self.word(significance)]
        css = ""
        if one.is_significant and one.direction in ("higher_is_better", "lower_is_better"):
            css = "better" if (one.change > 0) == (one.direction == "higher_is_better") else "worse"
            said.append(self.word(css))
        return self.word("clause").join(said), css, "up" if one.change > 0 else "down"

    def remarks(self, card: Card) -> list[str]:
        if card.headline.value is None:
            return [named(self.language, "reason", card.null_reason or "no_data")]
        if card.newer_reason:
            return [self.word("newer", reason=named(self.language, "reason", card.newer_reason))]
        return []

    # --- trends ---

    def trend(self, one: Headline, trend: Trend) -> TrendView:
        # All of a chart is told in the unit of its largest value.
        beside = max((point.period.value for point in trend.points if point.period.value is not None), key=abs)
        scale = 1 / 60 if one.unit == "minutes" and abs(beside) >= 120 else 100.0 if one.unit == "share" else 1.0
        picture = picture_of(trend, scale)
        return TrendView(
            title=self.word("trend" if trend.grain == "month" else "trend_weeks", name=one.name, n=len(trend.points)),
            says=self.trend_says(one, trend),
            picture=picture,
            marks=[
                MarkView(mark.x, mark.y, _css(trend.points[mark.index]), self.tip(one, trend, trend.points[mark.index]))
                for mark in picture.marks
            ],
            values=[TickView(tick.at, self.axis_amount(tick.value, one.unit, scale)) for tick in picture.values],
            periods=[TickView(tick.at, _short(trend.grain, trend.points[int(tick.value)])) for tick in picture.periods],
            rows=[self.row(one, trend, point) for point in reversed(trend.points)],
        )

    def trend_says(self, one: Headline, trend: Trend) -> str:
        """One sentence of meaning, made from the numbers."""
        latest = trend.latest
        limits = latest.limits if latest else None
        if latest is None or limits is None or trend.method is None:
            return self.word("no_limits", n=BASELINE)
        beside = limits.centre
        said = [
            self.word(
                latest.side or ("low_inside" if latest.period.is_low_base else "inside"),
                period=period(self.language, trend.grain, latest.period.start),
                lower=self.amount(limits.lower, one.unit, beside=beside),
                upper=self.amount(limits.upper, one.unit, beside=beside),
            )
        ]
        if trend.outside:
            said.append(self.word("outside_count", n=len(trend.points), outside=len(trend.outside)))
        said.append(self.word(f"by_{trend.method}"))
        text = (" " if self.language == "en" else "").join(said)
        return text[:1].upper() + text[1:]

    def row(self, one: Headline, trend: Trend, point: Point) -> RowView:
        found = point.period
        interval = ""
        if found.ci_low is not None and found.ci_high is not None and found.value is not None:
            ends = [self.amount(end, one.unit, beside=found.value) for end in (found.ci_low, found.ci_high)]
            interval = " – ".join(ends)
        return RowView(
            period=period(self.language, trend.grain, found.start),
            value=self.value_or_reason(one, point),
            interval=interval,
            n="" if found.n is None else f"{found.n:,}",
            remark=self.word("clause").join(self.remark(point)),
            css=_css(point),
        )

    def remark(self, point: Point) -> list[str]:
        found = []
        if point.side:
            found.append(self.word(f"remark_{point.side}"))
        if point.period.is_low_base and point.period.value is not None:
            found.append(self.word("remark_low"))
        if point.is_baseline:
            found.append(self.word("remark_baseline"))
        return found

    def value_or_reason(self, one: Headline, point: Point) -> str:
        if point.period.value is None:
            return named(self.language, "reason", point.period.null_reason or "no_data")
        return self.amount(point.period.value, one.unit)

    def tip(self, one: Headline, trend: Trend, point: Point) -> str:
        said = [
            period(self.language, trend.grain, point.period.start),
            self.value_or_reason(one, point),
            *([] if point.period.n is None else [self.word("n", n=f"{point.period.n:,}")]),
            *self.own_range(one, trend, point),
            *self.remark(point),
        ]
        return " · ".join(said)

    def own_range(self, one: Headline, trend: Trend, point: Point) -> list[str]:
        """The limits of a point that other points don't have."""
        if point.limits is None or trend.method == "individuals":
            return []
        low, high = (
            self.amount(end, one.unit, beside=point.limits.centre) for end in (point.limits.lower, point.limits.upper)
        )
        return [self.word("range", lower=low, upper=high)]

    def axis_amount(self, value: float, unit: str, scale: float) -> str:
        """A round number of an axis, as short as it can be."""
        told, suffix = value * scale, ""
        if abs(told) >= 1_000_000:
            told, suffix = (told / 10_000, " 万") if self.language == "zh" else (told / 1_000_000, " M")
        text = f"{told:,.10g}{suffix}".replace("-", MINUS)
        if unit == "share":
            return f"{text}%" if self.language == "zh" else f"{text} %"
        if unit == "minutes":
            return f"{text} h" if scale < 1 else f"{text} min"
        return text

    # --- heat maps ---

    def heat_map(self, one: HeatMap) -> HeatMapView:
        names = {code: named(self.language, "dimension", code) for code in one.dimensions}
        purpose = named(self.language, "purpose", one.purpose)
        return HeatMapView(
            purpose=one.purpose,
            caption=self.word("heat_caption", purpose=purpose, n=f"{one.n:,}"),
            found=self.found(one),
            dimensions=[names[code] for code in one.dimensions],
            rows=[
                (
                    member_named(self.language, "region", region),
                    [
                        self.cell(one.cells[region][code], member_named(self.language, "region", region), names[code])
                        for code in one.dimensions
                    ],
                )
                for region in one.regions
            ],
            low="" if one.low is None else f"{one.low:.1f}",
            high="" if one.high is None else f"{one.high:.1f}",
            legend=one.legend,
        )

    def cell(self, cell: Cell, region: str, dimension: str) -> CellView:
        text = self.word("heat_empty") if cell.mean is None else f"{cell.mean:.1f}"
        label = f"{self.word('heat_pair', region=region, dimension=dimension)} {text} ({self.word('n', n=cell.n)})"
        return CellView(text, f"{cell.n:,}" if cell.n else "", cell.base, cell.fill or "", cell.ink or "", label)

    def found(self, one: HeatMap) -> str:
        """The highest and the lowest sound cell of a region."""
        sound = [
            (cell.mean, region, dimension)
            for region, cells in one.cells.items()
            for dimension, cell in cells.items()
            if region != TOTAL and cell.base == "sound" and cell.mean is not None
        ]
        if not sound:
            return ""
        (worst, *worst_place), (best, *best_place) = min(sound), max(sound)
        names = [
            self.word(
                "heat_pair",
                region=member_named(self.language, "region", region),
                dimension=named(self.language, "dimension", dimension),
            )
            for region, dimension in (best_place, worst_place)
        ]
        return self.word(
            "heat_found", best=names[0], best_mean=f"{best:.1f}", worst=names[1], worst_mean=f"{worst:.1f}"
        )


def _css(point: Point) -> str:
    """How a point is drawn."""
    if point.side:
        return "outside"
    return "low" if point.period.is_low_base else ""


def _short(grain: str, point: Point) -> str:
    start = point.period.start
    return f"{start:%Y-%m}" if grain == "month" else f"{start:%m-%d}"
