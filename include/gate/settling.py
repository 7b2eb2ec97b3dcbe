"""Settle: judge references between entities, for tonight's candidates and for held rows, and commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from include import files
from include.contracts import Column, load_contracts
from include.failpoints import failpoint
from include.gate.judging import FAILURE_COLUMNS, ROW_SPACE, record_failures
from include.gate.ledger import (
    CheckResult,
    DataFile,
    EntityCount,
    Gate,
    commit,
    holding,
    last_gates,
    read_ledger,
)
from include.gate.masking import HIDDEN, masked_text
from include.gate.pending import Candidate, read_candidates, work_folder
from include.gate.rules import Rule, load_rules
from include.settings import Settings
from include.sources.file_reader import ROW_NUMBER
from include.sources.loading import LoadedSource, key_space_of, load_source_results
from include.sources.mapping import raw_row_json
from include.sql import in_list, literal, quoted

# The reason of every row of a delivery that was stopped or could not be judged.
STOPPED_RULE = "batch_stopped"
STOPPED_WORDS = {"en": "The whole delivery was stopped", "zh": "整批数据被拦截"}
# A customer is known by its identity record too.
_ALSO_DELIVERED_BY = {"customer": ("customer", "customer_identity")}


@dataclass
class SettleSummary:
    """What settling a night did."""

    committed: int = 0
    rows_clean: int = 0
    rows_quarantined: int = 0
    moved: int = 0
    still_held: int = 0
    unsettled: list[str] = field(default_factory=list)


def settle_night(settings: Settings, as_of: datetime) -> SettleSummary:
    """Judge the references of tonight's candidates and of all held rows, write clean and quarantine, commit."""
    gates = read_ledger(settings.home, as_of)
    committed = {(gate.batch_id, gate.gate_no) for gate in gates}
    candidates = [one for one in read_candidates(settings.home) if (one.batch.batch_id, one.gate_no) not in committed]
    loaded = {one.source.name: one for one in load_source_results(settings.sources)[0]}
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        summary = _Settling(settings, as_of, con, loaded, gates, candidates).run()
    files.remove(work_folder(settings.home))
    return summary


class _Settling:
    """Settling of one night."""

    def __init__(
        self,
        settings: Settings,
        as_of: datetime,
        con: duckdb.DuckDBPyConnection,
        loaded: dict[str, LoadedSource],
        gates: list[Gate],
        candidates: list[Candidate],
    ) -> None:
        self.home = settings.home
        self.as_of = as_of
        self.con = con
        self.loaded = loaded
        self.candidates = candidates
        superseded = {one.batch.batch_id for one in candidates}
        self.holding = [gate for gate in holding(gates) if gate.batch_id not in superseded]
        self.last = last_gates(gates)
        self.summary = SettleSummary()
        self.spaces = _delivered_spaces(list(loaded.values()))

    def run(self) -> SettleSummary:
        """Settle candidates, then held rows of earlier nights."""
        self.con.execute(f"create table failure ({FAILURE_COLUMNS})")
        numbered = dict(enumerate(self.candidates, start=1))
        for entity in load_contracts():
            mine = {n: one for n, one in numbered.items() if one.status == "gated" and entity in one.entities}
            if mine and load_rules().of(entity, "settle"):
                parts = [
                    f"select *, {n} as batch_no from read_parquet({literal(self._work_file(one, entity))})"
                    for n, one in mine.items()
                ]
                self._judge(entity, " union all by name ".join(parts))
        for number, candidate in numbered.items():
            self._commit(number, candidate)
        self.con.execute("delete from failure")
        self._settle_held()
        return self.summary

    def _work_file(self, candidate: Candidate, entity: str, kind: str = "rows") -> str:
        name = candidate.entities[entity].rows if kind == "rows" else candidate.entities[entity].failures
        return str(work_folder(self.home) / candidate.batch.batch_id / name)

    # --- references -------------------------------------------------------------------------------------------------

    def _judge(self, entity: str, rows: str) -> None:
        """Run the reference rules of an entity on a relation of rows in the form of clean with `batch_no`."""
        contract = load_contracts()[entity]
        references = {n: c for n, c in contract.columns.items() if c.references and self._is_used(entity, n)}
        helpers = "".join(f", {self._known(n, c)}, {self._quarantined(n, c)}" for n, c in references.items())
        keys = "".join(f", {quoted(n)}, {quoted(n + '_space')}" for n, c in contract.columns.items() if c.type == "id")
        for column in references.values():
            self._add_parents(str(column.references))
        self.con.execute(
            f"""create or replace table s_{entity} as
                select batch_no * {ROW_SPACE} + row_id as row_id{helpers}
                from (select batch_no, row_id{keys} from ({rows})) r"""
        )
        record_failures(self.con, entity, f"s_{entity}", load_rules().of(entity, "settle"))

    def _is_used(self, entity: str, column: str) -> bool:
        """Whether a rule of the entity looks at the reference."""
        return any(column in (rule.query or str(rule.expectation)) for rule in load_rules().of(entity, "settle"))

    def _add_parents(self, parent: str) -> None:
        """Tables of the keys of an entity: in clean (or a candidate for it), and in quarantine."""
        if self.con.execute("select 1 from duckdb_tables() where table_name = ?", [f"parent_{parent}"]).fetchone():
            return
        self.con.execute(f"create table parent_{parent} (space varchar, id varchar)")
        self.con.execute(f"create table quarantined_{parent} (source varchar, id varchar)")
        for entity in _ALSO_DELIVERED_BY.get(parent, (parent,)):
            key = load_contracts()[parent].key[0]
            clean = [
                str(self.home / c.clean.path)
                for g in self.holding
                for e, c in g.entities.items()
                if e == entity and c.clean
            ]
            clean += [
                self._work_file(one, entity)
                for one in self.candidates
                if one.status == "gated" and entity in one.entities
            ]
            if clean:
                self.con.execute(
                    f"insert into parent_{parent} select distinct {key}_space, {key} "
                    f"from read_parquet([{in_list(clean)}], union_by_name = true)"
                )
            quarantined = [
                str(self.home / c.quarantine.path)
                for g in self.holding
                for e, c in g.entities.items()
                if e == entity and c.quarantine
            ]
            if quarantined:
                self.con.execute(
                    f"insert into quarantined_{parent} select distinct source, business_key "
                    f"from read_parquet([{in_list(quarantined)}], union_by_name = true) "
                    "where status <> 'not_counted' and business_key is not null"
                )
            for one in self.candidates:
                if one.status == "gated" and entity in one.entities:
                    self.con.execute(
                        f"insert into quarantined_{parent} select distinct {literal(one.batch.source)}, business_key "
                        f"from read_parquet({literal(self._work_file(one, entity, 'failures'))}) "
                        "where verdict = 'unusable' and business_key is not null"
                    )

    def _known(self, name: str, column: Column) -> str:
        """SQL of whether a reference's parent is known; null where no source delivers its key space."""
        spaces = self.spaces.get(str(column.references), set())
        if not spaces:
            return f"cast(null as boolean) as {name}_is_known"
        return (
            f"case when r.{name}_space in ({in_list(sorted(spaces))}) then (r.{name}_space, r.{name}) in "
            f"(select (space, id) from parent_{column.references}) end as {name}_is_known"
        )

    def _quarantined(self, name: str, column: Column) -> str:
        return f"r.{name} in (select id from quarantined_{column.references}) as {name}_is_quarantined"

    # --- writing ----------------------------------------------------------------------------------------------------

    def _commit(self, number: int, candidate: Candidate) -> None:
        """Write one candidate's clean and quarantine files and its ledger entry."""
        failpoint("settle:before_commit")
        if candidate.status == "gated":
            entities = {entity: self._write_entity(number, candidate, entity) for entity in candidate.entities}
        else:
            entities = self._quarantine_whole(candidate)
            self.summary.unsettled.append(f"{candidate.batch.batch_id}: {candidate.message}")
        gate = candidate.gate(self.as_of).model_copy(
            update={"entities": entities, "checks": [*candidate.checks, *self._checks(number, candidate)]}
        )
        commit(self.home, gate)
        self.summary.committed += 1
        self.summary.rows_clean += sum(count.rows_clean for count in entities.values())
        self.summary.rows_quarantined += sum(count.rows_quarantined for count in entities.values())

    def _write_entity(self, number: int, candidate: Candidate, entity: str) -> EntityCount:
        self.con.execute(
            f"""create or replace temp table verdict as
                select row_id % {ROW_SPACE} as row_id, bool_or(verdict = 'unusable') as is_held,
                       string_agg(rule_id, ',' order by rule_id) filter (where verdict = 'flag') as flags,
                       string_agg(rule_id, ',' order by rule_id) filter (where verdict = 'not_counted') as not_counted
                from failure where entity = '{entity}' and batch_no = {number} group by row_id"""
        )
        self.con.execute(
            f"""create or replace temp table settled as
                select r.* replace (
                           nullif(concat_ws(',', r.flag_rules, v.flags), '') as flag_rules,
                           nullif(concat_ws(',', r.not_counted_rules, v.not_counted), '') as not_counted_rules,
                           r.is_counted and v.not_counted is null as is_counted),
                       coalesce(v.is_held, false) as _is_held
                from read_parquet({literal(self._work_file(candidate, entity))}) r left join verdict v using (row_id)"""
        )
        name = f"{candidate.batch.batch_id}.{candidate.gate_no}"
        clean = self._copy(
            "select * exclude (_key, _is_held) from settled where not _is_held order by row_id",
            self.home / "clean" / entity / f"{name}.parquet",
        )
        held = self._copy(
            "select * exclude (_key, _is_held) from settled where _is_held order by row_id",
            self._quarantine_folder(entity) / f"{name}.held.parquet",
        )
        self.con.execute(
            f"""create or replace temp table reason as
                select row_id, row_number, business_key, rule_id, verdict, detail, false as holds
                from read_parquet({literal(self._work_file(candidate, entity, "failures"))})
                union all
                select s.row_id, s.row_number, s._key, f.rule_id, f.verdict, f.detail, f.holds
                from failure f join settled s on s.row_id = f.row_id % {ROW_SPACE}
                where f.entity = '{entity}' and f.batch_no = {number} and f.verdict in ('unusable', 'not_counted')"""
        )
        quarantine = self._write_reasons(candidate, entity, load_rules().by_entity[entity])
        quarantined = self._one("select count(distinct row_id) from reason where verdict = 'unusable'")
        rows_in = candidate.entities[entity].rows_in
        rows_clean = clean.rows if clean else 0
        if rows_in != rows_clean + quarantined:
            raise AssertionError(f"{name} {entity}: {rows_in} rows in, {rows_clean} clean, {quarantined} quarantined")
        return EntityCount(
            rows_in=rows_in,
            rows_clean=rows_clean,
            rows_quarantined=quarantined,
            rows_not_counted=self._one("select count(*) from settled where not _is_held and not is_counted"),
            key_count=candidate.entities[entity].key_count,
            clean=clean,
            quarantine=quarantine,
            held=held,
        )

    def _quarantine_whole(self, candidate: Candidate) -> dict[str, EntityCount]:
        """Every row of a stopped delivery into quarantine, held; of one that could not be mapped, every record."""
        batch = candidate.batch
        if batch.rows is None:
            return {}
        self.con.execute(
            "create or replace temp table reason (row_id bigint, row_number bigint, business_key varchar, "
            "rule_id varchar, verdict varchar, detail varchar, holds boolean)"
        )
        raw = literal(str(batch.folder(self.home) / batch.rows.path))
        feed = self.loaded[batch.source].source.feeds[batch.feed]
        first = next(iter(feed.entities), "survey")
        self.con.execute(
            f"""insert into reason select {ROW_NUMBER}, {ROW_NUMBER}, null, '{STOPPED_RULE}', 'unusable', ?, true
                from read_parquet({raw})""",
            [candidate.message],
        )
        rule = Rule(
            id=STOPPED_RULE,
            requirement="CL-10",
            verdict="unusable",
            stage="settle",
            holds=True,
            sql="-",
            en=STOPPED_WORDS["en"],
            zh=STOPPED_WORDS["zh"],
        )
        quarantine = self._write_reasons(candidate, first, [rule])
        rows = batch.rows.records
        return {
            first: EntityCount(
                rows_in=rows,
                rows_clean=0,
                rows_quarantined=rows,
                rows_not_counted=0,
                key_count=0,
                quarantine=quarantine,
            )
        }

    def _write_reasons(self, candidate: Candidate, entity: str, rules: Sequence[Rule]) -> DataFile | None:
        """Write table `reason` as quarantine Parquet, with words and raw rows."""
        batch = candidate.batch
        if batch.rows is None or not self._one("select count(*) from reason"):
            return None
        raw, masked = raw_row_json(self.loaded[batch.source], batch.feed, batch.rows.columns, masked_text, HIDDEN)
        self.con.execute("create or replace temp table word (rule_id varchar, en varchar, zh varchar)")
        self.con.executemany(
            "insert into word values (?, ?, ?)",
            [[rule.id, rule.words("en"), rule.words("zh")] for rule in rules],
        )
        source = literal(str(batch.folder(self.home) / batch.rows.path))
        return self._copy(
            f"""
            with raw as (
                select {ROW_NUMBER} as row_number, {raw} as raw_row, {masked} as raw_row_masked
                from read_parquet({source}) where {ROW_NUMBER} in (select row_number from reason)
            ),
            standing as (
                select row_id, case when bool_or(verdict = 'unusable' and not holds) then 'quarantined'
                                    when bool_or(verdict = 'unusable') then 'held' else 'not_counted' end as status
                from reason group by row_id
            )
            select {literal(batch.source)} as source, {literal(batch.feed)} as feed,
                   {literal(batch.batch_id)} as batch_id, {candidate.gate_no}::integer as gate_no,
                   {literal(entity)} as entity, r.row_number, r.row_id, r.business_key, r.rule_id, r.verdict, s.status,
                   case when r.detail is null then w.en else rtrim(w.en, '.') || ': ' || r.detail end as reason_en,
                   concat_ws('：', w.zh, r.detail) as reason_zh,
                   raw.raw_row, raw.raw_row_masked
            from reason r join standing s using (row_id) join word w using (rule_id) join raw using (row_number)
            order by r.row_id, r.rule_id
            """,
            self._quarantine_folder(entity) / f"{batch.batch_id}.{candidate.gate_no}.parquet",
        )

    def _checks(self, number: int, candidate: Candidate) -> list[CheckResult]:
        if candidate.status != "gated":
            return []
        counts = dict(
            self.con.execute(
                "select rule_id, count(*) from failure where batch_no = ? group by rule_id", [number]
            ).fetchall()
        )
        return [
            CheckResult(
                entity=entity,
                rule_id=rule.id,
                verdict=rule.verdict,
                failed_count=counts.get(rule.id, 0),
                checked_count=self._one(
                    f"select count(*) from read_parquet({literal(self._work_file(candidate, entity))})"
                ),
            )
            for entity in candidate.entities
            for rule in load_rules().of(entity, "settle")
        ]

    # --- held rows --------------------------------------------------------------------------------------------------

    def _settle_held(self) -> None:
        """Judge held rows of earlier nights again; those whose parent has arrived move to clean."""
        held = [
            (gate, entity, count)
            for gate in self.holding
            for entity, count in gate.entities.items()
            if count.held and gate.status == "gated"
        ]
        if not held:
            return
        numbered = dict(enumerate(held, start=1))
        for entity in sorted({entity for _, entity, _ in held}):
            parts = []
            for number, (gate, held_entity, count) in numbered.items():
                if held_entity == entity and count.held:
                    moved = self._moved_files(gate.batch_id, entity)
                    already = (
                        f"where row_id not in (select row_id from read_parquet([{in_list(moved)}]))" if moved else ""
                    )
                    path = literal(str(self.home / count.held.path))
                    parts.append(f"select *, {number} as batch_no from read_parquet({path}) {already}")
            self._judge(entity, " union all by name ".join(parts))
        moving: dict[str, list[int]] = {}
        for number, (gate, _, _) in numbered.items():
            moving.setdefault(gate.batch_id, []).append(number)
        for batch_id, numbers in moving.items():
            self._move(batch_id, {number: numbered[number] for number in numbers})

    def _moved_files(self, batch_id: str, entity: str) -> list[str]:
        return [
            str(self.home / count.clean.path)
            for gate in self.holding
            if gate.batch_id == batch_id and gate.kind == "moved"
            for name, count in gate.entities.items()
            if name == entity and count.clean
        ]

    def _move(self, batch_id: str, held: dict[int, tuple[Gate, str, EntityCount]]) -> None:
        """Write the `moved` gate of one batch, if any of its held rows has found its parent."""
        last = self.last[batch_id]
        gate_no = last.gate_no + 1
        entities = {
            name: count.model_copy(update={"clean": None, "quarantine": None, "held": None})
            for name, count in last.entities.items()
        }
        total = 0
        for number, (_, entity, count) in held.items():
            assert count.held is not None  # noqa: S101 - chosen for having one
            path = literal(str(self.home / count.held.path))
            clean = self._copy(
                f"""select r.* replace ({gate_no}::integer as gate_no) from read_parquet({path}) r
                    where row_id in (select row_id % {ROW_SPACE} from s_{entity} where row_id // {ROW_SPACE} = {number})
                      and row_id not in (select row_id % {ROW_SPACE} from failure
                                         where verdict = 'unusable' and batch_no = {number})
                    order by row_id""",
                self.home / "clean" / entity / f"{batch_id}.{gate_no}.parquet",
            )
            self.summary.still_held += self._one(
                f"select count(distinct row_id) from failure where verdict = 'unusable' and batch_no = {number}"
            )
            if clean is None:
                continue
            total += clean.rows
            before = entities[entity]
            not_counted = self._one(
                f"select count(*) from read_parquet({literal(str(self.home / clean.path))}) where not is_counted"
            )
            entities[entity] = before.model_copy(
                update={
                    "rows_clean": before.rows_clean + clean.rows,
                    "rows_quarantined": before.rows_quarantined - clean.rows,
                    "rows_not_counted": before.rows_not_counted + not_counted,
                    "clean": clean,
                }
            )
        if not total:
            return
        commit(
            self.home,
            last.model_copy(
                update={
                    "gate_no": gate_no,
                    "kind": "moved",
                    "night": self.as_of,
                    "entities": entities,
                    "checks": [],
                }
            ),
        )
        self.summary.moved += total

    # --- files ------------------------------------------------------------------------------------------------------

    def _quarantine_folder(self, entity: str) -> Path:
        files.private_folder(self.home / "quarantine")
        return self.home / "quarantine" / entity

    def _copy(self, sql: str, path: Path) -> DataFile | None:
        """Write a query as Parquet; null, and no file, where it has no rows."""
        self.con.execute(f"create or replace temp table copied as {sql}")
        rows = self._one("select count(*) from copied")
        if not rows:
            return None
        with files.writing(path) as temporary:
            self.con.execute(f"copy copied to {literal(str(temporary))} (format parquet)")
        return DataFile(path=path.relative_to(self.home).as_posix(), sha256=files.sha256_of(path), rows=rows)

    def _one(self, sql: str) -> int:
        row = self.con.execute(sql).fetchone()
        return int(row[0]) if row else 0


def _delivered_spaces(loaded: Sequence[LoadedSource]) -> dict[str, set[str]]:
    """Per entity the key spaces that some source delivers."""
    spaces: dict[str, set[str]] = {}
    contracts = load_contracts()
    for one in loaded:
        for feed in one.source.feeds.values():
            if feed.questionnaires:
                for entity in ("survey", "survey_question"):
                    spaces.setdefault(entity, set()).add(one.source.name)
            for entity, mapping in feed.entities.items():
                key = contracts[entity].key[0]
                spaces.setdefault(entity, set()).add(key_space_of(one.source, mapping, key))
    for parent, entities in _ALSO_DELIVERED_BY.items():
        for entity in entities:
            spaces.setdefault(parent, set()).update(spaces.get(entity, set()))
    return spaces
