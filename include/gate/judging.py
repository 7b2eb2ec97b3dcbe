"""The tables on which a group's deliveries are judged, and the rules run on them.

Table `m_<entity>` holds the mapped rows of all deliveries together (`batch_no` tells them apart), with the helper
columns that `expectations/README.md` names; table `failure` has one row per row and failed rule. Table
`repeated_key` has the rows whose key may stand twice in their delivery: most deliveries have next to none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from include.contracts import Contract, load_contracts
from include.gate.context import Context
from include.gate.rules import Rule, RuleError, load_rules
from include.gate.survey_indices import BLOCK_COLUMNS, FROM_ANSWERS, HELPER_COLUMNS, Usual, add_indices
from include.landing.batches import Batch
from include.sources.loading import LoadedSource, feed_entities
from include.sources.mapping import mapped_rows, melted_survey, names_where
from include.sources.melting import questions_in
from include.sql import error_text, literal, quoted, raise_machine_fault

# row_id of a judged row = batch_no * ROW_SPACE + its number in batch and entity.
ROW_SPACE = 1 << 40
# How long a delivery's tickets (from creation to resolution) and responses (by survey) usually take.
USUAL_COLUMNS = "batch_no integer, usual_of varchar, usual_survey varchar, log_median double, log_mad double"
REPEATED_COLUMNS = "entity varchar, batch_no integer, row_id bigint"
FAILURE_COLUMNS = (
    "entity varchar, batch_no integer, row_id bigint, rule_id varchar, verdict varchar, holds boolean, detail varchar"
)


@dataclass(frozen=True)
class Judged:
    """One delivery on the tables."""

    batch_no: int
    batch: Batch
    loaded: LoadedSource
    entities: tuple[str, ...]


def open_tables(con: duckdb.DuckDBPyConnection, entities: Sequence[str]) -> None:
    """Make the empty tables."""
    con.execute(f"create table failure ({FAILURE_COLUMNS}); create table survey_block ({BLOCK_COLUMNS})")
    con.execute(f"create table usual_duration ({USUAL_COLUMNS})")
    con.execute(f"create table repeated_key ({REPEATED_COLUMNS})")
    for entity in entities:
        con.execute(f"create table m_{entity} ({_table_columns(load_contracts()[entity])})")


def _has_key(contract: Contract) -> str:
    """SQL of whether a row has its key."""
    return " and ".join(f"{quoted(name)} is not null" for name in contract.key if contract.columns[name].required)


def _key_texts(contract: Contract) -> list[str]:
    return [f"coalesce({quoted(name)}::varchar, '')" for name in contract.key]


def key_sql(contract: Contract) -> str:
    """SQL of a row's key, its parts joined by `|`, over the contract's columns; null where a part is missing."""
    return f"case when {_has_key(contract)} then concat_ws('|', {', '.join(_key_texts(contract))}) end"


def _key_parts(contract: Contract) -> str:
    """SQL of a row's key in which ("a|b", "c") and ("a", "b|c") differ: its parts with their lengths."""
    key = _key_texts(contract)
    parts = key[0] if len(key) == 1 else "concat(" + ", ".join(f"length({one}), '|', {one}" for one in key) + ")"
    return f"case when {_has_key(contract)} then {parts} end"


def _filled_count(contract: Contract) -> str:
    return " + ".join(f"({quoted(name)} is not null)::integer" for name in contract.mapped_columns())


def _table_columns(contract: Contract) -> str:
    """The columns of the table that a delivery is judged on; what few rows are asked for is worked out when it is."""
    columns = ["batch_no integer", "row_id bigint", "record bigint"]
    for name, column in contract.columns.items():
        columns.append(f"{quoted(name)} {column.duckdb_type}")
        if column.type == "id":
            columns.append(f"{quoted(name + '_space')} varchar")
    columns += [
        f"_key varchar generated always as ({key_sql(contract)}) virtual",
        f"_key_parts varchar generated always as ({_key_parts(contract)}) virtual",
        f"_key_hash ubigint generated always as (hash(batch_no, {', '.join(_key_texts(contract))})) virtual",
        "_change_time timestamp",
        "_night_end timestamp",
        "_is_usable boolean",
        "_is_complete boolean",
        f"_filled_count integer generated always as ({_filled_count(contract)}) virtual",
        "_missing_required varchar",
        "_untyped varchar",
        "_unmapped varchar",
        "_unparsable varchar",
    ]
    if contract.entity == "survey_answer":
        columns += ["_scale_min double", "_scale_max double", "_parent_is_unusable boolean default false"]
    if contract.entity == "survey_response":
        columns += HELPER_COLUMNS
    return ", ".join(columns)


def map_batch(con: duckdb.DuckDBPyConnection, home: Path, judged: Judged, time_zone: str) -> None:
    """Put the mapped rows of one delivery on the tables.

    Raises:
        SourceConfigError: a required column is not in the file.
    """
    batch = judged.batch
    assert batch.rows is not None  # noqa: S101 - only readable batches are judged
    path = batch.folder(home) / batch.rows.path
    con.execute(f"create or replace temp view raw as select * from read_parquet({literal(str(path))})")
    first = judged.entities[0]
    for entity in judged.entities:
        mapped = mapped_rows(judged.loaded, batch.feed, entity, batch.rows.columns, time_zone)
        con.execute(_insert(entity, judged, mapped, with_unparsable=entity == first))


def _insert(entity: str, judged: Judged, sql: str, with_unparsable: bool) -> str:
    contract = load_contracts()[entity]
    required = [name for name, column in contract.columns.items() if column.required and name not in contract.key]
    missing = names_where({literal(name): f"{quoted(name)} is null" for name in required})
    change_time = quoted(contract.change_time) if contract.change_time else "null::timestamp"
    complete = "coalesce(is_complete, true)" if "is_complete" in contract.columns else "true"
    night_end = judged.batch.night_end.strftime("%Y-%m-%d %H:%M:%S")
    return f"""
        insert into m_{entity} by name
        select *, _unparsable is null and _untyped is null and {_has_key(contract)} and _missing_required is null
                  as _is_usable
        from (
            select {judged.batch_no} as batch_no, {judged.batch_no * ROW_SPACE} + local_id as row_id,
                   * exclude (local_id),
                   {change_time} as _change_time, timestamp {literal(night_end)} as _night_end,
                   {complete} as _is_complete,
                   {missing} as _missing_required
            from ({sql})
            {"" if with_unparsable else "where _unparsable is null"}
        )"""


def add_usual_durations(con: duckdb.DuckDBPyConnection, judged: Judged, context: Context) -> None:
    """Put what the context knows of durations where the rules of a delivery find it."""
    known = [("survey_response", survey, spread) for survey, spread in context.response_spread.items()]
    if context.cycle_spread:
        known.append(("ticket", "", context.cycle_spread))
    for entity, survey, spread in known:
        row = [judged.batch_no, entity, survey, spread.log_median, spread.log_mad]
        con.execute("insert into usual_duration values (?, ?, ?, ?, ?)", row)


def add_survey_indices(con: duckdb.DuckDBPyConnection, judged: Judged, context: Context) -> Context:
    """Compute the careless-response indices of a delivery whose responses carry their answers.

    Returns:
        The context, with the norms of the delivery's survey where it had none of these questions.
    """
    survey_id = melted_survey(judged.loaded.source.feeds[judged.batch.feed])
    if not survey_id or not judged.batch.rows:
        return context
    questions = questions_in(judged.loaded, survey_id, judged.batch.rows.columns)
    usual = Usual(context.median_duration_seconds, context.survey_norms.get(survey_id))
    norms = add_indices(con, judged.batch_no, questions, usual, load_rules().with_signs())
    if norms is None or survey_id in context.survey_norms:
        return context
    return context.model_copy(update={"survey_norms": {**context.survey_norms, survey_id: norms}})


def can_judge(rule: Rule, judged: Judged) -> bool:
    """Whether a delivery brings what a rule judges by.

    Indices and scales need answers in the record of their response (`add_survey_indices`), and so does what answers
    have from their response.
    """
    used = set(re.findall(r"\w+", rule.query or ""))
    if used & FROM_ANSWERS and not melted_survey(judged.loaded.source.feeds[judged.batch.feed]):
        return False
    return "_parent_is_unusable" not in used or "survey_response" in judged.entities


def run_rules(con: duckdb.DuckDBPyConnection, entity: str, batches: Sequence[Judged]) -> dict[int, str]:
    """Judge one entity's rows of all deliveries; what went wrong, by batch_no.

    A rule that can't be run on all deliveries together is run on each alone, so that one delivery's fault is its own.
    """
    rules = load_rules().of(entity, "gate")
    note_repeated_keys(con, entity)
    if entity == "survey_answer" and any("survey_response" in one.entities for one in batches):
        _mark_children(con)
    try:
        record_failures(con, entity, f"m_{entity}", rules)
        return {}
    except (RuleError, duckdb.Error) as error:
        raise_machine_fault(error)
        con.execute("delete from failure where entity = ?", [entity])
    faults: dict[int, str] = {}
    for judged in (one for one in batches if entity in one.entities):
        table = f"m_{entity}_alone"
        con.execute(f"create or replace table {table} as select * from m_{entity} where batch_no = {judged.batch_no}")
        try:
            record_failures(con, entity, table, rules)
        except (RuleError, duckdb.Error) as error:
            raise_machine_fault(error)
            faults[judged.batch_no] = error_text(error)
        con.execute(f"drop table {table}")
    return faults


def note_repeated_keys(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    """Fill table `repeated_key`: once, as a rule's query runs several times and a million keys take their time."""
    con.execute(
        f"""insert into repeated_key
            with keyed as materialized (select batch_no, row_id, _key_hash from m_{entity} where _key is not null)
            select {literal(entity)}, batch_no, row_id from keyed
            where _key_hash in (select _key_hash from keyed group by _key_hash having count(*) > 1)"""
    )


def key_count(con: duckdb.DuckDBPyConnection, entity: str, batch_no: int) -> int:
    """How many different keys a delivery's rows of an entity have, once its rules were run."""
    row = con.execute(
        f"""with own as (select row_id, _key_parts from m_{entity} where batch_no = {batch_no} and _key is not null),
                 repeated as (
                     select row_id from repeated_key where entity = {literal(entity)} and batch_no = {batch_no}
                 )
            select (select count(*) from own) - (select count(*) from repeated)
                   + (select count(distinct _key_parts) from own where row_id in (select row_id from repeated))"""
    ).fetchone()
    return int(row[0]) if row else 0


def _mark_children(con: duckdb.DuckDBPyConnection) -> None:
    """Answers of a record whose response is unusable go with it."""
    con.execute(
        """
        update m_survey_answer as a set _parent_is_unusable = true, _is_usable = false
        from (
            select distinct r.batch_no, r.record from failure f join m_survey_response r on r.row_id = f.row_id
            where f.entity = 'survey_response' and f.verdict = 'unusable'
        ) p
        where a.batch_no = p.batch_no and a.record = p.record
        """
    )


def record_failures(con: duckdb.DuckDBPyConnection, entity: str, table: str, rules: Sequence[Rule]) -> None:
    """Run rules with GX and write every failing row; GX's count and the rows written must be equal.

    Raises:
        RuleError: a rule could not be run, or the counts differ.
    """
    # GX takes seconds to import, and a night on which nothing came has nothing for it to do.
    from include.gate import gx_duckdb  # noqa: PLC0415

    for result in gx_duckdb.validate(con, table, rules):
        rule = result.rule
        before = _count(con, "failure")
        names = [d[0] for d in con.execute(f"select * from ({result.failing_rows}) limit 0").description or []]
        detail = "q.detail" if "detail" in names else "null"
        con.execute(
            f"""insert into failure
                select {literal(entity)}, q.row_id // {ROW_SPACE}, q.row_id, {literal(rule.id)},
                       {literal(rule.verdict)}, {rule.holds}, {detail}
                from ({result.failing_rows}) q"""
        )
        written = _count(con, "failure") - before
        if written != result.failed_count:
            raise RuleError(f"{rule.id}: GX counts {result.failed_count} rows, {written} were written")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def drop_batch(con: duckdb.DuckDBPyConnection, judged: Judged) -> None:
    """Take a delivery off the tables."""
    for entity in judged.entities:
        con.execute(f"delete from m_{entity} where batch_no = {judged.batch_no}")
    for table in ("failure", "repeated_key"):
        con.execute(f"delete from {table} where batch_no = {judged.batch_no}")


def entities_in_order(all_judged: Sequence[Judged]) -> list[str]:
    """The entities of the deliveries, a response before its answers."""
    found = {entity for judged in all_judged for entity in judged.entities}
    return [entity for entity in load_contracts() if entity in found and entity != "survey_answer"] + [
        entity for entity in ("survey_answer",) if entity in found
    ]


def judged_of(batch_no: int, batch: Batch, loaded: LoadedSource) -> Judged:
    """A delivery and the entities that it brings."""
    return Judged(batch_no, batch, loaded, tuple(feed_entities(loaded.source.feeds[batch.feed])))
