"""Gate: judge every pending delivery of a group by itself; references come at settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from include import files
from include.contracts import load_contracts
from include.database import working_database
from include.errors import MetricsError
from include.failpoints import failpoint
from include.gate import context as contexts
from include.gate.arrivals import Nights, arrivals, silence_of, write_silences
from include.gate.decisions import Standing, in_force, read_decisions, standings
from include.gate.delivery_checks import check_delivery, check_results, drift_remark, stop_message
from include.gate.drift import Finding
from include.gate.figures import DeliveryFigures, write_figures
from include.gate.judging import (
    ROW_SPACE,
    Judged,
    add_survey_indices,
    add_usual_durations,
    can_judge,
    drop_batch,
    entities_in_order,
    judged_of,
    key_count,
    map_batch,
    open_tables,
    run_rules,
)
from include.gate.ledger import (
    RELEASED_REMARK,
    VOLUME_REMARK,
    AccountingError,
    CheckResult,
    Gate,
    last_gates,
    read_ledger,
)
from include.gate.masking import keyed_hash, masked_text, normalised
from include.gate.measuring import measure
from include.gate.pending import Candidate, CandidateEntity, pending_batches, work_folder
from include.gate.rules import load_rules
from include.landing.batches import Batch
from include.landing.raw_rows import ROWS_FILE, read_again
from include.settings import Settings, hash_key_of
from include.sources.column_report import column_report
from include.sources.file_reader import UnreadableFileError
from include.sources.loading import LoadedSource, load_source_results
from include.sql import error_text, literal, quoted, raise_machine_fault

# What landed is damaged and its original too: not judged, so that it can be once it is restored.
_DAMAGED = "damaged"


@dataclass
class GateSummary:
    """What gating a group did."""

    batches: int = 0
    rows: int = 0
    stopped: list[str] = field(default_factory=list)


def gate_group(settings: Settings, as_of: datetime, group: str) -> GateSummary:
    """Judge all pending deliveries of a group, and leave them as candidates for settle.

    A delivery that can't be judged, or that a check stops, becomes a candidate that is quarantined whole.
    """
    rules = load_rules()
    key = hash_key_of(settings)
    loaded = [one for one in load_source_results(settings.sources)[0] if one.source.group == group]
    gates = read_ledger(settings.home, as_of)
    decided = standings(in_force(read_decisions(settings.home), as_of))
    pending, damaged = pending_batches(settings, as_of, loaded, gates, rules.digest, decided)
    summary = GateSummary(batches=len(pending), stopped=damaged)
    since = as_of - timedelta(days=settings.context_nights)
    names = [one.source.name for one in loaded]
    came = arrivals(settings.home, gates, since, as_of, names)
    nights = _arrivals_with(came, [batch for batch, _, _ in pending], as_of)
    _record_silences(settings, as_of, group, loaded, nights)
    if not pending:
        return summary
    with working_database(settings, "judge") as con:
        _Gating(settings, as_of, con, key, gates, nights, decided, summary).run(pending)
    return summary


def _arrivals_with(nights: Nights, batches: Sequence[Batch], as_of: datetime) -> Nights:
    """Arrivals, with what tonight brings that no gate has judged yet; a batch that waited since came before."""
    places = {(batch.source, batch.feed) for batch in batches if batch.night == as_of}
    return nights | {place: sorted({*nights.get(place, ()), as_of}) for place in places}


def _record_silences(
    settings: Settings, as_of: datetime, group: str, loaded: Sequence[LoadedSource], nights: Nights
) -> None:
    """Write down which feeds of a group should have brought something by now."""
    found = []
    for one in loaded:
        name = one.source.name
        for feed, days in contexts.read_context(settings.home, as_of, name).usual_days.items():
            declared = one.source.feeds.get(feed)
            if declared and not declared.questionnaires:
                place = (name, feed)
                found.append(silence_of(load_rules().of_batches, place, nights.get(place, []), days, as_of))
    write_silences(settings.home, as_of, group, [one for one in found if one])


class _Gating:
    """Judging of one group in one night."""

    def __init__(
        self,
        settings: Settings,
        as_of: datetime,
        con: duckdb.DuckDBPyConnection,
        key: bytes,
        gates: list[Gate],
        nights: Nights,
        decided: dict[str, Standing],
        summary: GateSummary,
    ) -> None:
        self.settings = settings
        self.as_of = as_of
        self.con = con
        self.key = key
        self.gates = gates
        self.nights = nights
        self.decided = decided
        self.taken_in = {name for name, gate in last_gates(gates).items() if gate.status == "gated"}
        self.waived: dict[int, str] = {}  # batch_no: why it would have been stopped
        self.summary = summary
        self.faults: dict[int, tuple[str, str]] = {}  # batch_no: status, message
        self.contexts: dict[str, contexts.Context] = {}
        self.figures: dict[int, DeliveryFigures] = {}  # by batch_no
        self.findings: dict[int, list[Finding]] = {}

    def run(self, pending: list[tuple[Batch, LoadedSource, int]]) -> None:
        """Map, judge and write all pending deliveries."""
        all_judged = [
            judged_of(number, self._readable(number, batch, one, gate_no), one)
            for number, (batch, one, gate_no) in enumerate(pending, start=1)
        ]
        gate_nos = {judged.batch_no: item[2] for judged, item in zip(all_judged, pending, strict=True)}
        open_tables(self.con, entities_in_order(all_judged))
        mapped = [judged for judged in all_judged if self._map(judged)]
        self._add_contexts(mapped)
        for judged in mapped:
            add_usual_durations(self.con, judged, self.contexts[judged.batch.source])
        for judged in mapped:
            source = judged.batch.source
            try:
                self._keep_context(source, add_survey_indices(self.con, judged, self.contexts[source]))
            except duckdb.Error as error:
                raise_machine_fault(error)
                self.faults[judged.batch_no] = ("failed", f"survey indices: {error_text(error)}")
        for entity in entities_in_order(mapped):
            for number, fault in run_rules(self.con, entity, mapped).items():
                self.faults[number] = ("failed", fault)
        for judged in (one for one in mapped if one.batch_no not in self.faults):
            self._check_delivery(judged)
        self._check_stops(mapped)
        for judged in all_judged:
            failpoint("gate:before_candidate")
            self._write(judged, gate_nos[judged.batch_no])

    def _readable(self, number: int, batch: Batch, loaded: LoadedSource, gate_no: int) -> Batch:
        """The batch, read again from its originals if its feed may be declared anew or its rows are damaged."""
        try:
            rows = batch.folder(self.settings.home) / ROWS_FILE
            is_damaged = batch.rows and not (rows.exists() and files.sha256_of(rows) == batch.rows.sha256)
            if is_damaged or (gate_no > 1 and batch.mapping_hash != loaded.mapping_hash):
                return read_again(self.settings.home, batch, loaded)
        except UnreadableFileError as error:
            raise_machine_fault(error)
            self.faults[number] = ("unreadable", f"{batch.source}.{batch.feed}: {error}")
        except files.DamagedFileError as error:
            self.faults[number] = (_DAMAGED, f"{batch.source}.{batch.feed}: {error}")
        return batch

    def _map(self, judged: Judged) -> bool:
        """Map one delivery; its fault is its own."""
        batch = judged.batch
        if batch.status == "unreadable":
            self.faults.setdefault(judged.batch_no, ("unreadable", batch.message or ""))
        if judged.batch_no in self.faults:
            return False
        try:
            map_batch(self.con, self.settings.home, judged, self.settings.timezone)
            self._check_complete(judged)
            return True
        except (MetricsError, duckdb.Error, ValueError) as error:
            raise_machine_fault(error)
            drop_batch(self.con, judged)
            text = str(error) if isinstance(error, MetricsError) else error_text(error)
            self.faults[judged.batch_no] = ("failed", f"{batch.source}.{batch.feed}: {text}")
            return False

    def _check_complete(self, judged: Judged) -> None:
        """Every record that was received gives at least one row.

        Raises:
            AccountingError: it does not.
        """
        records = " union ".join(
            f"select record from m_{entity} where batch_no = {judged.batch_no}" for entity in judged.entities
        )
        found = self._one(f"select count(*) from ({records})")
        received = judged.batch.rows.records if judged.batch.rows else 0
        if found != received:
            raise AccountingError(f"{received} records received, {found} became rows")

    def _add_contexts(self, mapped: Sequence[Judged]) -> None:
        """Tonight's context of each source; a survey that it lacks gets the figures of its first delivery."""
        for judged in mapped:
            name = judged.batch.source
            if name not in self.contexts:
                self.contexts[name] = contexts.read_context(self.settings.home, self.as_of, name)
            known = self.contexts[name]
            seconds, spread, cycle = known.median_duration_seconds, known.response_spread, known.cycle_spread
            usable = f"where _is_usable and batch_no = {judged.batch_no})"
            if "survey_response" in judged.entities:
                rows = f"(select * from m_survey_response {usable}"
                seconds = contexts.median_durations(self.con, rows) | seconds
                spread = contexts.response_spreads(self.con, rows) | spread
            if "ticket" in judged.entities and cycle is None:
                cycle = contexts.cycle_spread(self.con, f"(select * from m_ticket {usable}")
            figures = {"median_duration_seconds": seconds, "response_spread": spread, "cycle_spread": cycle}
            self._keep_context(name, known.model_copy(update=figures))

    def _keep_context(self, source: str, context: contexts.Context) -> None:
        """Go on with a source's context, and keep it for re-runs of this night if it has grown."""
        if context != self.contexts[source]:
            self.contexts[source] = context
            contexts.write_context(self.settings.home, self.as_of, source, context)

    def _check_delivery(self, judged: Judged) -> None:
        """Measure a delivery, and hold it against what is usual."""
        batch = judged.batch
        try:
            figures = measure(self.con, judged)
        except duckdb.Error as error:
            raise_machine_fault(error)
            self.faults[judged.batch_no] = ("failed", f"figures: {error_text(error)}")
            return
        if figures:
            self.figures[judged.batch_no] = figures
        self.findings[judged.batch_no] = check_delivery(
            judged,
            figures,
            self.contexts[batch.source],
            self.nights.get((batch.source, batch.feed), []),
            self.as_of,
            (self._usual_records(batch) is not None, self._volume_remark(batch)),
            load_rules().of_batches,
        )

    def _check_stops(self, mapped: Sequence[Judged]) -> None:
        """Stop a delivery that fails as a whole or by too many rows, or a snapshot that has shrunk too much."""
        # Keys of the snapshots that hold, by feed and entity, each with its place in the order.
        snapshots: dict[tuple[str, str, str], list[tuple[str, int]]] = {}
        for gate in self.gates:
            if gate.delivery == "snapshot" and gate.status == "gated":
                for entity, count in gate.entities.items():
                    place = (gate.source, gate.feed, entity)
                    snapshots.setdefault(place, []).append((gate.batch_order, count.key_count))
        for judged in (one for one in mapped if one.batch_no not in self.faults):
            batch = judged.batch
            message = self._why_stopped(judged, snapshots)
            if message and self._is_waived(batch):
                self.waived[judged.batch_no] = message
            elif message:
                self.faults[judged.batch_no] = ("stopped", message)
                continue
            for entity in judged.entities if batch.delivery == "snapshot" else ():
                place = (batch.source, batch.feed, entity)
                keys = key_count(self.con, entity, judged.batch_no)
                snapshots.setdefault(place, []).append((batch.batch_order, keys))

    def _is_waived(self, batch: Batch) -> bool:
        """Whether nothing is to stop a delivery: a person released it, or it was taken in before and is judged again.

        What was in clean must not go because other deliveries came since.
        """
        standing = self._standing(batch)
        return standing.whole == "release" or (standing.whole is None and batch.batch_id in self.taken_in)

    def _standing(self, batch: Batch) -> Standing:
        return self.decided.get(batch.batch_id, Standing())

    def _why_stopped(self, judged: Judged, snapshots: dict[tuple[str, str, str], list[tuple[str, int]]]) -> str | None:
        """Why a delivery is to be stopped, if it is; `snapshots` are places and keys of those that hold."""
        batch = judged.batch
        for entity in judged.entities:
            earlier = [
                one for one in snapshots.get((batch.source, batch.feed, entity), []) if one[0] < batch.batch_order
            ]
            message = self._stop_message(judged, entity, max(earlier)[1] if earlier else 0)
            if message:
                return message
        return stop_message(judged, self.findings[judged.batch_no])

    def _stop_message(self, judged: Judged, entity: str, last_keys: int) -> str | None:
        """Why a delivery is to be stopped, if it is; `last_keys` are those of the snapshot before it."""
        rows = self._one(f"select count(*) from m_{entity} where batch_no = {judged.batch_no}")
        for rule in load_rules().of(entity, "gate"):
            if rule.stop_above is None or rows < rule.stop_from:
                continue
            failed = self._one(
                f"select count(*) from failure where rule_id = '{rule.id}' and batch_no = {judged.batch_no}"
            )
            if failed > rule.stop_above * rows:
                return f"{rule.id}: {failed} of {rows} rows fail, more than {rule.stop_above:.0%} [SM302]"
        if judged.batch.delivery == "snapshot":
            keys = key_count(self.con, entity, judged.batch_no)
            if keys < self.settings.snapshot_min_share * last_keys:
                return f"{entity}: the snapshot has {keys} keys, the last one had {last_keys} [SM303]"
        return None

    def _one(self, sql: str) -> int:
        row = self.con.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def _write(self, judged: Judged, gate_no: int) -> None:
        """Leave one delivery as a candidate."""
        batch = judged.batch
        status, message = self.faults.get(judged.batch_no, ("gated", None))
        # A stopped delivery was judged: its rows have their own reasons.
        is_judged = status in ("gated", "stopped")
        standing = self._standing(batch)
        if standing.whole == "discard" and status != _DAMAGED:
            status, message = "discarded", "; ".join(filter(None, [f"discarded by {standing.words}", message]))
        elif message:
            self.summary.stopped.append(f"{batch.source}.{batch.feed}: {message}")
        elif batch.rows:
            remarks = [
                self._released_remark(judged),
                self._volume_remark(batch),
                drift_remark(judged, self.findings[judged.batch_no]),
                batch.message,
                column_report(judged.loaded, batch.feed, batch.rows.columns),
            ]
            message = "; ".join(filter(None, remarks)) or None
        if status == _DAMAGED:
            files.remove(work_folder(self.settings.home) / batch.batch_id)
            return
        if status == "gated" and judged.batch_no in self.figures:
            write_figures(self.settings.home, batch.batch_id, gate_no, self.figures[judged.batch_no])
        context = self.contexts.get(batch.source)
        with files.writing_folder(work_folder(self.settings.home) / batch.batch_id) as folder:
            entities = {}
            if is_judged:
                entities = {entity: self._write_entity(judged, entity, gate_no, folder) for entity in judged.entities}
            candidate = Candidate(
                batch=batch,
                gate_no=gate_no,
                status=status,
                message=message,
                rules_hash=load_rules().digest,
                mapping_hash=judged.loaded.mapping_hash,
                context_hash=context.digest if context else None,
                decisions=standing.decisions,
                decided_rows=standing.rows,
                waived=self.waived.get(judged.batch_no),
                entities=entities,
                checks=self._checks(judged) if entities else [],
            )
            files.write_json(folder / "candidate.json", candidate.model_dump(mode="json"))
        self.summary.rows += sum(one.rows_in for one in entities.values())

    def _released_remark(self, judged: Judged) -> str | None:
        """Who let a delivery in that would have been stopped."""
        stop = self.waived.get(judged.batch_no)
        if stop is None:
            return None
        by = self._standing(judged.batch).words
        return f"{RELEASED_REMARK} {f'by {by}; ' if by else ''}else stopped by {stop}"

    def _volume_remark(self, batch: Batch) -> str | None:
        """What is unusual about the number of records of a delivery."""
        usual = self._usual_records(batch)
        records, factor = batch.rows.records if batch.rows else 0, self.settings.volume_factor
        if usual is None or usual / factor < records < usual * factor:
            return None
        return f"{VOLUME_REMARK} {batch.source}.{batch.feed} brought {records:,} records; {usual:,.0f} is usual"

    def _usual_records(self, batch: Batch) -> float | None:
        """How many records a delivery of this feed has; null where too few are known, or usual."""
        usual = self.contexts[batch.source].usual_records.get(batch.feed, 0)
        return usual if usual >= self.settings.volume_factor else None

    def _checks(self, judged: Judged) -> list[CheckResult]:
        counts = dict(
            self.con.execute(
                "select rule_id, count(*) from failure where batch_no = ? group by rule_id", [judged.batch_no]
            ).fetchall()
        )
        rows = {
            entity: self._one(f"select count(*) from m_{entity} where batch_no = {judged.batch_no}")
            for entity in judged.entities
        }
        stopped_by = (self.faults.get(judged.batch_no, ("", ""))[1] or "").split(":", 1)[0]
        return [
            CheckResult(
                entity=entity,
                rule_id=rule.id,
                verdict=rule.verdict,
                failed_count=counts.get(rule.id, 0),
                checked_count=rows[entity] if can_judge(rule, judged) else 0,
                stopped=rule.id == stopped_by,
            )
            for entity in judged.entities
            for rule in load_rules().of(entity, "gate")
        ] + check_results(self.findings.get(judged.batch_no, []), stopped_by)

    def _write_entity(self, judged: Judged, entity: str, gate_no: int, folder: Path) -> CandidateEntity:
        mine = f"(select * from m_{entity} where batch_no = {judged.batch_no})"
        rows = folder / f"{entity}.rows.parquet"
        failures = folder / f"{entity}.failures.parquet"
        self.con.execute(
            f"""copy (
                with verdicts as (
                    select row_id, bool_or(verdict = 'unusable') as is_unusable,
                           string_agg(rule_id, ',' order by rule_id)
                               filter (where verdict = 'not_counted') as not_counted,
                           string_agg(rule_id, ',' order by rule_id) filter (where verdict = 'flag') as flags
                    from failure where entity = '{entity}' and batch_no = {judged.batch_no} group by row_id
                )
                select {self._clean_columns(judged, entity, gate_no)}
                -- In order before columns are added that are the same in every row: what is carried along costs.
                from (
                    select m.*, v.not_counted, v.flags
                    from {mine} m left join verdicts v using (row_id)
                    where not coalesce(v.is_unusable, false)
                    order by m.row_id
                ) m
            ) to {literal(str(rows))} (format parquet)"""
        )
        self.con.execute(
            f"""copy (
                select m.row_id % {ROW_SPACE} as row_id, m.record as row_number, m._key as business_key,
                       f.rule_id, f.verdict, f.detail
                from failure f join {mine} m using (row_id)
                where f.entity = '{entity}' and f.batch_no = {judged.batch_no}
                  and f.verdict in ('unusable', 'not_counted')
            ) to {literal(str(failures))} (format parquet)"""
        )
        return CandidateEntity(
            rows_in=self._one(f"select count(*) from {mine}"),
            key_count=key_count(self.con, entity, judged.batch_no),
            rows=rows.name,
            rows_sha256=files.sha256_of(rows),
            failures=failures.name,
        )

    def _clean_columns(self, judged: Judged, entity: str, gate_no: int) -> str:
        """SQL of the columns of clean: personal columns hashed, free text masked, then what the gate adds."""
        parts = []
        for name, column in load_contracts()[entity].columns.items():
            own = f"m.{quoted(name)}"
            if column.is_hashed:
                hashed = keyed_hash(normalised(own, column.personal or ""), self.key)
                parts.append(f"{hashed} as {quoted(name + '_hash')}")
                continue
            parts.append(f"{masked_text(own) if column.personal else own} as {quoted(name)}")
            if column.type == "id":
                parts.append(f"m.{quoted(name + '_space')}")
        batch = judged.batch
        return ", ".join(
            [
                *parts,
                f"{literal(batch.source)} as source",
                f"{literal(batch.feed)} as feed",
                f"{literal(batch.batch_id)} as batch_id",
                f"{gate_no}::integer as gate_no",
                "m.record as row_number",
                f"m.row_id % {ROW_SPACE} as row_id",
                "m.not_counted is null as is_counted",
                "m.not_counted as not_counted_rules",
                "m.flags as flag_rules",
            ]
        )
