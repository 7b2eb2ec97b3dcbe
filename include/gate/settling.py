"""Settle: judge references between entities, for tonight's candidates and for held rows, and commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from include import files
from include.contracts import load_contracts
from include.database import working_database
from include.failpoints import failpoint
from include.gate.decisions import DISCARDED_RULE, decided_rows_sql
from include.gate.held import settle_held
from include.gate.judging import ROW_SPACE, key_sql
from include.gate.ledger import (
    AccountingError,
    CheckResult,
    DataFile,
    EntityCount,
    Gate,
    commit,
    holding,
    last_gates,
    read_ledger,
)
from include.gate.pending import UNSETTLED, Candidate, read_candidates, rows_path
from include.gate.references import References
from include.gate.rules import load_rules
from include.gate.settled_files import SettledFiles, check_rows
from include.settings import Settings
from include.sources.loading import LoadedSource, load_source_results
from include.sql import literal


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
    loaded = {one.source.name: one for one in load_source_results(settings.sources)[0]}
    candidates = [
        one
        for one in read_candidates(settings.home)
        if (one.batch.batch_id, one.gate_no) not in committed
        # Left by a run that was killed, of a source or feed that can't be used any more: judged when it can be again.
        and one.batch.source in loaded
        and one.batch.feed in loaded[one.batch.source].source.feeds
    ]
    candidates, unfit = _without_losses(candidates, last_gates(gates))
    with working_database(settings, "settle") as con:
        summary = _Settling(settings, as_of, con, loaded, gates, candidates).run()
    summary.unsettled += unfit
    files.remove(settings.home / "work")  # candidates, and what killed runs left
    return summary


def _without_losses(candidates: list[Candidate], last: dict[str, Gate]) -> tuple[list[Candidate], list[str]]:
    """The candidates but those that would take clean rows away because a batch can't be judged any more.

    A decision has such a batch judged again under the mapping of tonight; where that does not fit it, what was taken in
    stays, and the decision waits for a mapping that does. Returns them, and what is to be said of the others.
    """

    def is_loss(one: Candidate) -> bool:
        before = last.get(one.batch.batch_id)
        return before is not None and before.status == "gated" and one.status in UNSETTLED

    said = [
        f"{one.batch.batch_id}: a decision about it waits, as it can't be judged again: {one.message}"
        for one in candidates
        if is_loss(one)
    ]
    return [one for one in candidates if not is_loss(one)], said


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
        held_by = [gate for gate in holding(gates) if gate.batch_id not in superseded]
        self.references = References(con, settings.home, loaded, held_by, candidates)
        self.written = SettledFiles(con, settings.home)
        self.last = last_gates(gates)
        self.summary = SettleSummary()

    def run(self) -> SettleSummary:
        """Settle candidates, then held rows of earlier nights."""
        numbered = dict(enumerate(self.candidates, start=1))
        for entity in load_contracts():
            mine = {n: one for n, one in numbered.items() if one.status == "gated" and entity in one.entities}
            if mine and load_rules().of(entity, "settle"):
                parts = [
                    f"select *, {n} as batch_no from read_parquet({literal(rows_path(self.home, one, entity))})"
                    for n, one in mine.items()
                ]
                self.references.judge(entity, " union all by name ".join(parts))
        for number, candidate in numbered.items():
            self._commit(number, candidate)
        self.con.execute("delete from failure")
        self.summary.moved, self.summary.still_held = settle_held(self.references, self.written, self.last, self.as_of)
        return self.summary

    def _commit(self, number: int, candidate: Candidate) -> None:
        """Write one candidate's clean and quarantine files and its ledger entry."""
        failpoint("settle:before_commit")
        if candidate.status == "gated":
            entities = {entity: self._write_entity(number, candidate, entity) for entity in candidate.entities}
        else:
            loaded = self.loaded[candidate.batch.source]
            entities = self.written.quarantine_whole(candidate, loaded, load_rules().by_entity)
            if candidate.status != "discarded":
                self.summary.unsettled.append(f"{candidate.batch.batch_id}: {candidate.message}")
        gate = candidate.gate(self.as_of).model_copy(
            update={"entities": entities, "checks": [*candidate.checks, *self._checks(number, candidate)]}
        )
        commit(self.home, gate)
        self.summary.committed += 1
        self.summary.rows_clean += sum(count.rows_clean for count in entities.values())
        self.summary.rows_quarantined += sum(count.rows_quarantined for count in entities.values())

    def _write_entity(self, number: int, candidate: Candidate, entity: str) -> EntityCount:
        self._settle_rows(number, candidate, entity)
        name = f"{candidate.batch.batch_id}.{candidate.gate_no}"
        clean, held = self._write_rows(candidate, entity, name)
        loaded = self.loaded[candidate.batch.source]
        quarantine = self.written.quarantine(candidate, loaded, entity, load_rules().by_entity[entity])
        quarantined = self.written.one(
            """select count(distinct row_id) from reason
               where verdict = 'unusable' and row_id not in (select row_id from decided where place = 'released')"""
        )
        rows_in = candidate.entities[entity].rows_in
        rows_clean = clean.rows if clean else 0
        if rows_in != rows_clean + quarantined:
            raise AccountingError(f"{name} {entity}: {rows_in} rows in, {rows_clean} clean, {quarantined} quarantined")
        return EntityCount(
            rows_in=rows_in,
            rows_clean=rows_clean,
            rows_quarantined=quarantined,
            rows_not_counted=self.written.one(
                "select count(*) from settled where _place in ('clean', 'released') and not is_counted"
            ),
            key_count=candidate.entities[entity].key_count,
            clean=clean,
            quarantine=quarantine,
            held=held,
        )

    def _write_rows(self, candidate: Candidate, entity: str, name: str) -> tuple[DataFile | None, DataFile | None]:
        """The files of clean and of held rows."""
        if not self.written.one("select (select count(*) from said) + (select count(*) from chosen)"):
            return self.written.taken_over(candidate, entity, name), None
        check_rows(candidate, entity, Path(rows_path(self.home, candidate, entity)))
        columns = "select * exclude (_key, _place) from settled"
        return (
            self.written.clean(f"{columns} where _place in ('clean', 'released') order by row_id", entity, name),
            self.written.held(f"{columns} where _place = 'held' order by row_id", entity, name),
        )

    def _settle_rows(self, number: int, candidate: Candidate, entity: str) -> None:
        """Make view `settled` and fill the tables `reason` and `decided`.

        The view has the gate's rows with what the references say of them and with their place: clean, held, discarded
        by a person, or released by one, which is clean too.
        """
        mine = f"entity = '{entity}' and batch_no = {number}"
        self.con.execute(
            f"""create or replace temp table said as
                select row_id % {ROW_SPACE} as row_id, bool_or(verdict = 'unusable') as is_held,
                       string_agg(rule_id, ',' order by rule_id) filter (where verdict = 'flag') as flags,
                       string_agg(rule_id, ',' order by rule_id) filter (where verdict = 'not_counted') as not_counted
                from failure where {mine} group by row_id"""
        )
        chosen, parameters = decided_rows_sql(candidate.decided_rows, entity)
        self.con.execute(f"create or replace temp table chosen as {chosen}", parameters)
        self.con.execute(
            f"""create or replace temp view settled as
                select r.* replace (
                           case when v.flags is null then r.flag_rules
                                else concat_ws(',', r.flag_rules, v.flags) end as flag_rules,
                           case when v.not_counted is null then r.not_counted_rules
                                else concat_ws(',', r.not_counted_rules, v.not_counted) end as not_counted_rules,
                           r.is_counted and v.not_counted is null as is_counted),
                       {key_sql(load_contracts()[entity])} as _key,
                       case when c.verdict = 'discard' then 'discarded' when not coalesce(v.is_held, false) then 'clean'
                            when c.verdict = 'release' then 'released' else 'held' end as _place
                from read_parquet({literal(rows_path(self.home, candidate, entity))}) r
                left join said v using (row_id) left join chosen c using (row_number)"""
        )
        self.written.new_reasons()
        self.con.execute(
            f"""insert into reason
                select row_id, row_number, business_key, rule_id, verdict, detail, false
                from read_parquet({literal(rows_path(self.home, candidate, entity, "failures"))})
                union all
                select s.row_id, s.row_number, s._key, f.rule_id, f.verdict, f.detail, f.holds
                from failure f join settled s on s.row_id = f.row_id % {ROW_SPACE}
                where {mine} and f.verdict in ('unusable', 'not_counted')"""
        )
        if parameters:
            self._follow_decisions()

    def _follow_decisions(self) -> None:
        """Fill the table `decided`, and give discarded rows their reason."""
        self.con.execute(
            f"""insert into decided
                select row_id, _place from settled where _place = 'released'
                union all
                select distinct row_id, 'discarded'
                from (select row_id, row_number from settled union all select row_id, row_number from reason)
                where row_number in (select row_number from chosen where verdict = 'discard');
                insert into reason
                select distinct row_id, row_number, key, '{DISCARDED_RULE}', 'unusable', words, true
                from (
                    select row_id, row_number, _key as key from settled
                    union all
                    select row_id, row_number, business_key from reason where verdict = 'unusable'
                ) join chosen using (row_number) where verdict = 'discard'"""
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
                checked_count=self.written.one(
                    f"select count(*) from read_parquet({literal(rows_path(self.home, candidate, entity))})"
                ),
            )
            for entity in candidate.entities
            for rule in load_rules().of(entity, "settle")
        ]
