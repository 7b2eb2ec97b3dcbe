"""A person decides about a delivery that was stopped, or about rows that are held."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from include.errors import MetricsError
from include.gate.decisions import Decision, Verdict, write_decision
from include.gate.pending import UNSETTLED
from include.gate.rules import load_rules
from include.gate.waiting import JudgedBatch, State, open_rows_sql, read_state, waiting_in
from include.settings import Settings
from include.sources.loading import load_source_results

_ROWS = re.compile(r"\d{1,15}(-\d{1,15})?(,\d{1,15}(-\d{1,15})?)*")
_SHOWN = 5
_MOST_ROWS = 10_000_000


class DecisionError(MetricsError):
    """The decision can't be taken; the text says why, and nothing was written."""

    default_code = "SM307"


@dataclass(frozen=True)
class Asked:
    """What a person asks for; without `rule` and `rows` the delivery as a whole, or all of it that waits."""

    batch_id: str
    verdict: str
    who: str
    why: str
    rule: str | None = None
    rows: str | None = None  # row numbers, as 1-5,9


def take_decision(settings: Settings, asked: Asked) -> Decision:
    """Check a decision against what waits, and keep it; it is in force from the next night on.

    The same decision asked for again before that night gives the one that is kept.

    Raises:
        DecisionError: it can't be taken.
        DamagedFileError: a file of the data home is not what was written.
    """
    state = _state(settings)
    decision = _prepared(settings, state, asked)
    for known in reversed(state.decisions):
        if known.batch_id == decision.batch_id:
            if _content(known) == _content(decision):
                return known
            break
    write_decision(settings.home, decision)
    return decision


def prepared_decision(settings: Settings, asked: Asked) -> Decision:
    """The decision that `take_decision` would keep.

    Raises:
        DecisionError: it can't be taken.
    """
    return _prepared(settings, _state(settings), asked)


def _state(settings: Settings) -> State:
    state = read_state(settings.home)
    if state is None:
        raise DecisionError(f"{settings.home} has no night yet, so nothing waits (make run)")
    return state


def _prepared(settings: Settings, state: State, asked: Asked) -> Decision:
    verdict = _checked_words(asked)
    batch = _batch(settings, state, asked.batch_id)
    gate = batch.full
    rows: dict[str, str] = {}
    count: int | None = None
    if not _is_about_the_whole(batch, verdict, asked):
        rows, count = _chosen_rows(settings, batch, verdict, asked)
    return Decision(
        batch_id=gate.batch_id,
        source=gate.source,
        feed=gate.feed,
        verdict=verdict,
        rows=rows,
        rule=asked.rule or None,
        row_count=count,
        who=asked.who.strip(),
        why=asked.why.strip(),
        decided_at=datetime.now(UTC).replace(microsecond=0),
        after=state.night,
        number=max((one.number for one in state.decisions), default=0) + 1,
    )


def _checked_words(asked: Asked) -> Verdict:
    if asked.verdict not in ("release", "discard"):
        raise DecisionError(f"DECISION is release or discard, not {asked.verdict or 'empty'}")
    for name, value in (("WHO", asked.who), ("WHY", asked.why)):
        if not value.strip():
            raise DecisionError(f"{name} is missing: a decision is kept with who took it, and why")
    return "release" if asked.verdict == "release" else "discard"


def _batch(settings: Settings, state: State, batch_id: str) -> JudgedBatch:
    batch = state.batches.get(batch_id)
    if batch is None:
        like = difflib.get_close_matches(batch_id, state.batches, n=1, cutoff=0.8)
        open_ones = list(dict.fromkeys(one.batch_id for one in waiting_in(settings.home, state)))[:_SHOWN]
        hint = f"did you mean {like[0]}?" if like else f"what waits: {', '.join(open_ones) or 'nothing'}"
        raise DecisionError(f"no delivery {batch_id or '(empty)'} was judged; {hint}")
    source, feed = batch.full.source, batch.full.feed
    loaded = {one.source.name: one.source for one in load_source_results(settings.sources)[0]}
    if source not in loaded or feed not in loaded[source].feeds:
        raise DecisionError(f"{settings.sources} has no usable YAML of {source}.{feed}, so nothing of it can be judged")
    return batch


def _is_about_the_whole(batch: JudgedBatch, verdict: Verdict, asked: Asked) -> bool:
    """Whether the delivery is decided about as a whole; else its rows are.

    Raises:
        DecisionError: as a whole nothing can be decided, or nothing waits.
    """
    gate = batch.full
    if asked.rule or asked.rows:
        if gate.status != "gated":
            raise DecisionError(f"{gate.batch_id} is {gate.status} as a whole: decide about it without RULE and ROWS")
        return False
    if verdict == "release":
        if gate.status in ("unreadable", "failed"):
            raise DecisionError(
                f"{gate.batch_id} is {gate.status}, which no decision mends: correct its source YAML, then it is "
                f"judged again by itself, or discard it ({gate.message})"
            )
        if gate.status == "gated" and not any(count.rows_quarantined for count in batch.last.entities.values()):
            raise DecisionError(f"{gate.batch_id} was taken in whole: nothing of it waits")
        return True
    if gate.status == "discarded":
        raise DecisionError(f"{gate.batch_id} is discarded already")
    # Of a delivery that a person let in against a check, discarding takes that back.
    return gate.status in UNSETTLED or gate.waived is not None


def _chosen_rows(settings: Settings, batch: JudgedBatch, verdict: Verdict, asked: Asked) -> tuple[dict[str, str], int]:
    """Row numbers by entity, as ranges, and how many rows they are.

    Raises:
        DecisionError: none, or not all, of what was asked for waits, or can't count without its parent.
    """
    wanted = re.sub(r"\s", "", asked.rows or "")
    if wanted and not _ROWS.fullmatch(wanted):
        raise DecisionError(f"ROWS {asked.rows} are not row numbers such as 3 or 1-5,9")
    with duckdb.connect() as con:
        con.execute(f"create table open_row as {open_rows_sql(settings.home, batch)}")
        _keep_wanted(con, batch.full.batch_id, asked.rule or "", wanted)
        if not asked.rule and not wanted:
            con.execute("delete from open_row where status <> 'held'")
        found = con.execute("select count(distinct (entity, row_id)) from open_row").fetchall()[0][0]
        if not found:
            raise DecisionError(f"nothing of {batch.full.batch_id} waits{f' by {asked.rule}' if asked.rule else ''}")
        if verdict == "release":
            _check_stand_alone(con)
        ranges = con.execute(
            """
            select entity,
                   string_agg(case when low = high then low::varchar else low || '-' || high end, ',' order by low)
            from (
                select entity, min(row_number) as low, max(row_number) as high
                from (
                    select *, row_number - row_number() over (partition by entity order by row_number) as island
                    from (select distinct entity, row_number from open_row)
                ) group by entity, island
            ) group by entity order by entity"""
        ).fetchall()
    return dict(ranges), int(found)


def _keep_wanted(con: duckdb.DuckDBPyConnection, batch_id: str, rule: str, wanted: str) -> None:
    """Leave in `open_row` the rows that were asked for.

    Raises:
        DecisionError: a rule holds none of them, or a row does not wait.
    """
    if rule:
        known = _column(con, "select distinct rule_id from open_row where holds order by rule_id")
        if rule not in known:
            raise DecisionError(
                f"no row of {batch_id} waits by {rule}; rules by which rows wait: {', '.join(known) or 'none'}"
            )
        con.execute(
            """delete from open_row where (entity, row_id) not in (
                   select (entity, row_id) from open_row where rule_id = ?)""",
            [rule],
        )
    if not wanted:
        return
    ends = [[int(end) for end in part.split("-")] for part in wanted.split(",")]
    if any(one[-1] - one[0] > _MOST_ROWS for one in ends):
        raise DecisionError(f"ROWS {wanted} are more rows than a delivery has")
    listed = " union ".join(f"select unnest(range({one[0]}, {one[-1] + 1})) as row_number" for one in ends)
    con.execute(f"create table wanted as {listed}")
    lacking = _column(
        con, "select row_number from wanted where row_number not in (select row_number from open_row) order by 1"
    )
    if lacking or not con.execute("select count(*) from wanted").fetchall()[0][0]:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise DecisionError(
            f"of {batch_id} these rows don't wait: {', '.join(map(str, lacking[:_SHOWN])) or wanted}{more}"
        )
    con.execute("delete from open_row where row_number not in (select row_number from wanted)")


def _check_stand_alone(con: duckdb.DuckDBPyConnection) -> None:
    """Make sure that what is to be released can count without its parent.

    Raises:
        DecisionError: it can't.
    """
    rules = {rule.id: (entity, rule) for entity, own in load_rules().by_entity.items() for rule in own}
    for rule_id in _column(con, "select distinct rule_id from open_row where holds order by rule_id"):
        entity, rule = rules.get(rule_id, ("", None))
        if rule is None or not rule.holds:
            raise DecisionError(
                f"rows that fail {rule_id} can't count as they are: correct the mapping or the rule, and release the "
                "delivery as a whole"
            )
        if not rule.stands_alone:
            raise DecisionError(
                f"a row of {entity} has no place in the marts without its parent ({rule_id}): have the parent "
                "delivered, or discard the row"
            )


def _column(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [row[0] for row in con.execute(sql).fetchall()]


def _content(decision: Decision) -> dict[str, object]:
    return decision.model_dump(exclude={"number", "decided_at"})
