"""Why the number of an older period moved from one night to the next: its change, split by cause.

Every fact row that differs between the two warehouses has one cause, from the batches and gates of its records.
Yesterday's rows are replaced by today's cause by cause, in the order of `CAUSES`, and the number is computed anew each
time: the parts add up to the whole change, whatever the metric is, a ratio, a median or a percentile.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from include.database import bounded_database
from include.gate.ledger import Gate
from include.periods import following
from include.settings import Settings
from include.sql import in_list, literal
from include.tracing.cells import Cell, added_sql, figures_sql, rows_sql
from include.tracing.definitions import Fact, Metric, read_metrics
from include.tracing.places import add_places
from include.tracing.records import BUSINESS_IDS, ORIGINS, RECORD_KEYS

# In this order rows are replaced; `definition` is the formula itself, of which no row tells.
CAUSES = ("definition", "new", "late", "correction", "release", "rule", "mapping", "other")
# Where records of several causes stand behind a row, the row's own record decides, else the first of these.
_GRAVITY = ("mapping", "rule", "release", "correction", "late", "new")
# A page is finite: the newest periods of each grain.
PERIODS = {"month": 24, "week": 8, "quarter": 4, "year": 2}
ROWS_PER_CAUSE = 10
_BEFORE, _AFTER = "before_night", "after_night"


@dataclass(frozen=True)
class MovedRow:
    """A fact row that moved, and the record that is its cause; what it adds is in the units of the formula.

    `adds` is numerator and denominator, or one measured value; null where the row was not, or is no longer, in it.
    """

    cause: str
    fact: str
    record: str
    before: tuple[float | None, ...] | None
    after: tuple[float | None, ...] | None
    entity: str | None = None
    batch_id: str | None = None
    file: str | None = None
    sheet: str | None = None
    line: int | None = None
    number: int | None = None  # of the record in its file


@dataclass(frozen=True)
class Step:
    """The number after the rows of one more cause were replaced, and how many they were."""

    cause: str
    rows: int
    value: float | None
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True)
class PeriodMovement:
    """A metric in an older period: as it was published, as it is, and the way there.

    `parts` are the changes by cause, in the order of `steps`; they add up to `change`. All of them are null where one
    of the two nights has no value.
    """

    metric: str
    name_en: str
    name_zh: str
    unit: str
    grain: str
    start: str
    before: float | None
    after: float | None
    before_reason: str | None
    after_reason: str | None
    steps: tuple[Step, ...]
    rows: tuple[MovedRow, ...]

    @property
    def change(self) -> float | None:
        """The whole change."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def parts(self) -> list[float | None]:
        """The change of each step. A number that is not there in between stays what it was until the next cause."""
        if self.change is None:
            return [None] * len(self.steps)
        found: list[float | None] = []
        level = self.before or 0.0
        for step in self.steps:
            now = level if step.value is None else step.value
            found.append(now - level)
            level = now
        return found


@dataclass(frozen=True)
class NightMovement:
    """What moved from one published night to the next; `before` is null where there is none to compare with.

    `more` are the periods that moved and are older than those told.
    """

    before: str | None
    currency: str = ""
    periods: tuple[PeriodMovement, ...] = ()
    more: int = 0


def movement_between(
    settings: Settings, before: Path, after: Path, gates: Sequence[Gate], metrics: Iterable[str]
) -> NightMovement:
    """Compare two warehouses.

    Args:
        settings: of the installation, for the landed files.
        before: the warehouse of the night before.
        after: that of the night.
        gates: of the ledger, up to the night.
        metrics: whose older periods are compared.

    Raises:
        duckdb.Error: a warehouse can't be read, or lacks what today's definitions name.
    """
    with _both(settings, before, after) as con:
        comparison = _Comparison(con, settings, gates)
        return comparison.run([read_metrics()[name] for name in metrics])


@contextmanager
def _both(settings: Settings, before: Path, after: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        bounded_database(settings.memory_mb, Path(scratch), Path(scratch) / "movement.duckdb") as con,
    ):
        for name, path in ((_BEFORE, before), (_AFTER, after)):
            con.execute(f"attach {literal(str(path))} as {name} (read_only)")
        yield con


class _Comparison:
    """Two nights side by side."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings, gates: Sequence[Gate]) -> None:
        self.con = con
        self.settings = settings
        self.night, self.day = con.execute(f"select as_of, as_of_date from {_BEFORE}.audit.warehouse_state").fetchall()[
            0
        ]
        self.until, self.currency = con.execute(
            f"select as_of, currency from {_AFTER}.audit.warehouse_state"
        ).fetchall()[0]
        causes = gate_causes(gates, self.night.replace(tzinfo=UTC), self.until.replace(tzinfo=UTC))
        con.register(
            "gate_cause",
            pa.table(
                {
                    "batch_id": pa.array([batch for batch, _ in causes], pa.string()),
                    "gate_no": pa.array([number for _, number in causes], pa.int32()),
                    "cause": pa.array([cause for cause, _ in causes.values()], pa.string()),
                    "is_full": pa.array([is_full for _, is_full in causes.values()], pa.bool_()),
                }
            ),
        )
        self.arrived: set[str] = set()

    def run(self, metrics: Sequence[Metric]) -> NightMovement:
        """All older periods whose number is another one."""
        found: list[PeriodMovement] = []
        more = 0
        for metric in metrics:
            told, rest = self._moved_periods(metric)
            more += rest
            found += [self._period(metric, *one) for one in told]
        return NightMovement(
            before=self.night.replace(tzinfo=UTC).isoformat(),
            currency=self.currency,
            periods=tuple(self._placed(found)),
            more=more,
        )

    def _moved_periods(self, metric: Metric) -> tuple[list[tuple[Any, ...]], int]:
        """Periods that had ended before the night before did, whose value or its reason is another: newest first."""
        grains = [grain for grain in PERIODS if grain in metric.grains]
        rows = self.con.execute(
            f"""
            with of_before as ({self._published(_BEFORE, metric, grains)}),
            of_after as ({self._published(_AFTER, metric, grains)})
            select grain, period_start, b.value, a.value, b.null_reason, a.null_reason, b.numerator, b.denominator,
                   d.name_en, d.name_zh, d.unit
            from of_before as b
            full join of_after as a using (grain, period_start)
            cross join (select * from {_AFTER}.metrics.dim_metric where metric = {literal(metric.name)}) as d
            where (b.value, b.null_reason) is distinct from (a.value, a.null_reason)
            order by grain, period_start desc
            """
        ).fetchall()
        ended = [row for row in rows if following(row[0], row[1]) <= self.day + timedelta(days=1)]
        told = []
        for grain, most in PERIODS.items():
            told += [row for row in ended if row[0] == grain][:most]
        return told, len(ended) - len(told)

    def _published(self, catalog: str, metric: Metric, grains: Sequence[str]) -> str:
        return f"""
            select grain, period_start, value, null_reason, numerator, denominator
            from {catalog}.metrics.fct_metric_period
            where metric = {literal(metric.name)} and segment = 'all' and grain in ({in_list([*grains, ""])})
        """

    def _period(self, metric: Metric, grain: str, start: date, before: float | None, after: float | None,
                before_reason: str | None, after_reason: str | None, numerator: float | None,
                denominator: float | None, name_en: str, name_zh: str, unit: str) -> PeriodMovement:  # fmt: skip
        cell = Cell(metric, grain, start)
        self._fill_sides(cell)
        self._fill_causes(metric)
        counts = dict(self.con.execute("select cause, count(*) from moved group by cause").fetchall())
        level = self._figures(metric, 0)
        steps = []
        if level[:2] != (numerator, denominator) or (before is not None and level[2] != before):
            steps.append(Step("definition", 0, level[2], level[0], level[1]))
        for cause in CAUSES:
            if cause in counts:
                level = self._figures(metric, CAUSES.index(cause))
                steps.append(Step(cause, counts[cause], level[2], level[0], level[1]))
        return PeriodMovement(
            metric=metric.name, name_en=name_en, name_zh=name_zh, unit=unit, grain=grain, start=start.isoformat(),
            before=before, after=after, before_reason=before_reason, after_reason=after_reason, steps=tuple(steps),
            rows=tuple(self._rows(metric)),
        )  # fmt: skip

    def _fill_sides(self, cell: Cell) -> None:
        """Tables `side` (rows of both nights), and `changed`: the keys of those that differ."""
        parts = [part.name for part in cell.metric.parts]
        has_any = " or ".join(f"{name} is not null" for name in parts)
        sides = " union all ".join(
            f"select {number} as is_after, * from ({rows_sql(cell, f'{catalog}.marts')}) where {has_any}"
            for number, catalog in enumerate((_BEFORE, _AFTER))
        )
        self.con.execute(
            f"""
            create or replace temp table side as {sides};
            create or replace temp table changed as
                select fact, fact_key, any_value(period_date) as period_date
                from side group by fact, fact_key
                having count(*) = 1 or count(distinct row({", ".join(parts)})) > 1
            """
        )

    def _fill_causes(self, metric: Metric) -> None:
        """Table `moved`: every changed row with its cause, and the record that is the cause, if one is."""
        candidates = []
        for number, fact in enumerate(metric.facts):
            for one in ORIGINS[fact.table]:
                self._fill_arrived(one.entity, one.happened_at)
                candidates.append(
                    f"""select c.fact, c.fact_key, '{one.entity}' as entity, {one.is_own} as is_own, v.cause, v.source,
                               v.feed, v.batch_id, v.row_number, v.gate_no
                        from changed as c
                        join ({self._of_both(fact)}) as f on f.{fact.key} = c.fact_key
                        {one.joined(f"arrived_{one.entity}", f"{_AFTER}.")}
                        where c.fact = {number}"""
                )
        gravity = " ".join(f"when '{cause}' then {place}" for place, cause in enumerate(_GRAVITY))
        order = " ".join(f"when '{cause}' then {place}" for place, cause in enumerate(CAUSES))
        none = (
            "select null::integer as fact, null::bigint as fact_key, null::varchar as entity, false as is_own, "
            "null::varchar as cause, null::varchar as source, null::varchar as feed, null::varchar as batch_id, "
            "null::bigint as row_number, null::integer as gate_no where false"
        )
        self.con.execute(
            f"""
            create or replace temp table moved as
            with candidate as ({" union all ".join([none, *candidates])}),
            chosen as (
                select *, row_number() over (
                    partition by fact, fact_key
                    order by is_own desc, case cause {gravity} end, entity, batch_id desc, gate_no desc, row_number
                ) as place
                from candidate
            )
            select c.fact, c.fact_key, c.period_date, coalesce(o.cause, 'other') as cause,
                   case coalesce(o.cause, 'other') {order} end as place, o.entity, o.source, o.feed, o.batch_id,
                   o.row_number
            from changed as c
            left join chosen as o on o.fact = c.fact and o.fact_key = c.fact_key and o.place = 1
            """
        )

    def _of_both(self, fact: Fact) -> str:
        """SQL of the changed rows of a fact as they are, and of those that are gone as they were."""
        keys = sorted({fact.key, *(one.key or "customer_key" for one in ORIGINS[fact.table])})
        chosen = ", ".join(keys)
        of = "select {chosen} from {catalog}.marts.{table} where {key} in (select fact_key from changed)"
        now, was = (
            of.format(chosen=chosen, catalog=catalog, table=fact.table, key=fact.key) for catalog in (_AFTER, _BEFORE)
        )
        gone = f"{was} and {fact.key} not in (select {fact.key} from {_AFTER}.marts.{fact.table})"
        return f"{now} union all {gone}"

    def _fill_arrived(self, entity: str, happened_at: str | None) -> None:
        """Table `arrived_<entity>`: records whose versions are others than on the night before, each with its cause."""
        if entity in self.arrived:
            return
        self.arrived.add(entity)
        key, versions = RECORD_KEYS[entity], f"staging.stg_{entity}_version"
        since = f"timestamp '{self.night:%Y-%m-%d %H:%M:%S}'"
        happened = f"{happened_at} > {since}" if happened_at else "false"
        self.con.execute(
            f"""
            create or replace temp table arrived_{entity} as
            with came as (select * from {_AFTER}.{versions} as v where v.night > {since}),
            known as (
                select distinct {key} as known_key from {_BEFORE}.{versions}
                where {key} in (select {key} from came)
            )
            select v.*, case
                when g.cause is not null then g.cause
                when k.known_key is not null or v.is_deleted then 'correction'
                when {happened} then 'new'
                else 'late'
            end as cause
            from came as v
            left join known as k on k.known_key = v.{key}
            left join gate_cause as g on g.batch_id = v.batch_id and g.gate_no = v.gate_no
            union all by name
            -- what a batch held before it was judged again
            select v.*, g.cause
            from {_BEFORE}.{versions} as v
            join gate_cause as g on g.batch_id = v.batch_id and g.gate_no > v.gate_no and g.is_full
            union all by name
            -- what the latest whole list no longer has
            select a.*, 'correction' as cause
            from {_AFTER}.staging.stg_{entity} as a
            join {_BEFORE}.staging.stg_{entity} as b on b.{key} = a.{key}
            where a.is_deleted <> b.is_deleted
                and a.source in (select source from {_AFTER}.staging.stg_snapshot_batch where entity = '{entity}')
            """
        )

    def _figures(self, metric: Metric, place: int) -> tuple[float | None, float | None, float | None]:
        """Numerator, denominator and value once the rows of the causes up to a place are those of the later night."""
        rows = f"""
            select s.* from side as s left join moved as m on m.fact = s.fact and m.fact_key = s.fact_key
            where s.is_after = case when m.place <= {place} or m.place is null then 1 else 0 end
        """
        numerator, denominator, value, _ = self.con.execute(figures_sql(metric, rows)).fetchall()[0]
        return numerator, denominator, value

    def _rows(self, metric: Metric) -> Iterator[MovedRow]:
        """Some rows of each cause."""
        names = " union all ".join(
            f"select {number} as fact, {fact.key} as fact_key, {self._name(fact)} as record "
            f"from ({self._whole(fact)}) as f"
            for number, fact in enumerate(metric.facts)
        )
        shares = "added as ({}), gone as ({})".format(
            *(added_sql(metric, f"select * from side where is_after = {side}") for side in (1, 0))
        )
        found = self.con.execute(
            f"""
            with {shares}, named as ({names}),
            told as (
                select *, row_number() over (partition by cause order by fact, fact_key) as choice from moved
            )
            select t.cause, t.fact, coalesce(n.record, cast(t.fact_key as varchar)) as record,
                   b.fact is not null, b.adds_numerator, b.adds_denominator, b.measured,
                   a.fact is not null, a.adds_numerator, a.adds_denominator, a.measured,
                   t.entity, t.source, t.feed, t.batch_id, t.row_number
            from told as t
            left join gone as b on b.fact = t.fact and b.fact_key = t.fact_key
            left join added as a on a.fact = t.fact and a.fact_key = t.fact_key
            left join named as n on n.fact = t.fact and n.fact_key = t.fact_key
            where t.choice <= {ROWS_PER_CAUSE}
            order by t.place, t.fact, record
            """
        ).fetchall()
        for cause, fact, record, was_in, *rest in found:
            before, (is_in, *now), about = rest[:3], rest[3:7], rest[7:]
            entity, source, feed, batch_id, row_number = about
            yield MovedRow(
                cause=cause,
                fact=metric.facts[fact].table,
                record=record,
                before=_share(metric, before) if was_in else None,
                after=_share(metric, now) if is_in else None,
                entity=entity,
                batch_id=batch_id,
                # until its place is known: where to look for it
                file=f"{source}/{feed}" if batch_id else None,
                number=row_number,
            )

    def _name(self, fact: Fact) -> str:
        # of an answer or a customer the id stands in another mart
        return BUSINESS_IDS[fact.table].replace("from marts.", f"from {_AFTER}.marts.")

    def _whole(self, fact: Fact) -> str:
        """SQL of the changed rows of a fact with all columns, as they are or, if they are gone, as they were."""
        of = f"where {fact.key} in (select fact_key from changed)"
        gone = f"{fact.key} not in (select {fact.key} from {_AFTER}.marts.{fact.table})"
        return (
            f"select * from {_AFTER}.marts.{fact.table} {of} "
            f"union all by name select * from {_BEFORE}.marts.{fact.table} {of} and {gone}"
        )

    def _placed(self, periods: Sequence[PeriodMovement]) -> Iterator[PeriodMovement]:
        """The same with file and line of every row's record."""
        wanted = sorted(
            {
                (*row.file.split("/"), row.batch_id, row.number)
                for one in periods
                for row in one.rows
                if row.file and row.batch_id
            }
        )
        columns = ("source", "feed", "batch_id", "row_number")
        lists = dict(zip(columns, map(list, zip(*wanted, strict=True)), strict=True)) if wanted else {}
        if lists:
            self.con.register("wanted", pa.table(lists))
            add_places(self.con, self.settings, "select * from wanted")
            rows = self.con.execute("select batch_id, row_number, file, sheet, line, record from place").fetchall()
        else:
            rows = []
        places = {(batch_id, number): place for batch_id, number, *place in rows}
        for one in periods:
            yield replace(one, rows=tuple(_with_place(row, places) for row in one.rows))


def gate_causes(gates: Sequence[Gate], since: datetime, until: datetime) -> dict[tuple[str, int], tuple[str, bool]]:
    """Of the gates after one night and up to another: the cause that they are by themselves, and whether they are full.

    A batch that was judged before `since` and is judged again has its mapping's change as cause, else that of the
    rules; what a person decided, or what found its parent, is a release. First gates have none: their records decide.
    """
    found: dict[tuple[str, int], tuple[str, bool]] = {}
    last: dict[str, Gate] = {}
    for gate in sorted(gates, key=lambda one: (one.batch_id, one.gate_no)):
        earlier = last.get(gate.batch_id)
        if gate.night <= since:
            if gate.kind == "full":
                last[gate.batch_id] = gate
            continue
        if gate.night > until or earlier is None:
            continue
        if gate.kind == "moved" or not set(gate.decisions) <= set(earlier.decisions):
            cause = "release"
        elif gate.mapping_hash != earlier.mapping_hash:
            cause = "mapping"
        elif gate.rules_hash != earlier.rules_hash:
            cause = "rule"
        else:
            cause = "release"
        found[gate.batch_id, gate.gate_no] = (cause, gate.kind == "full")
    return found


def _share(metric: Metric, told: Sequence[Any]) -> tuple[float | None, ...]:
    """What a row adds: numerator and denominator, or what is measured of it."""
    top, bottom, measured = (None if one is None else float(one) for one in told)
    if metric.numerator is None:
        return (measured,)
    return (top,) if metric.denominator is None else (top, bottom)


def _with_place(row: MovedRow, places: Mapping[tuple[str | None, int | None], Sequence[Any]]) -> MovedRow:
    file, sheet, line, record = places.get((row.batch_id, row.number)) or (None, None, None, row.number)
    return replace(row, file=file, sheet=sheet, line=line, number=record)
