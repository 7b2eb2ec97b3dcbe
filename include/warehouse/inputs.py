"""What dbt reads beside the clean Parquet: small control tables that say which files hold on the night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from include import files
from include.configuration import experience_tables, health_tables
from include.configuration.business_time import MARK, PIECE, TEAM_SCHEDULE, business_tables
from include.configuration.calendars import read_calendars
from include.configuration.currency_rates import CURRENCY_RATE_COLUMNS, currency_rate_rows, read_currency_rates
from include.configuration.sla import read_sla
from include.configuration.sla_tables import SLA_POLICY_COLUMNS, sla_policy_rows
from include.contracts import load_contracts
from include.gate.arrivals import Silence, read_silences
from include.gate.batch_rules import BatchRule
from include.gate.decisions import Decision, gates_following, in_force, read_decisions
from include.gate.ledger import Gate, check_undamaged, read_gates
from include.gate.masking import masked_text
from include.gate.pending import UNSETTLED
from include.gate.rules import Rule, load_rules
from include.landing.batches import Batch, told_night_of
from include.landing.identical import read_identical
from include.settings import Settings, as_of_date
from include.sources import customer_key_spaces, load_source_results
from include.sql import literal
from include.warehouse.holding import HeldBatch, UnjudgedBatch, read_held_batches, unjudged_batches
from include.warehouse.night_records import run_number, unproven_sources

_TIME = pa.timestamp("us")
_FILE_COLUMNS = {
    "entity": pa.string(),
    "batch_id": pa.string(),
    "gate_no": pa.int32(),
    "kind": pa.string(),
    "source": pa.string(),
    "feed": pa.string(),
    "delivery": pa.string(),
    "night": _TIME,
    "batch_order": pa.string(),
    "path": pa.string(),
    "row_count": pa.int64(),
}
_COUNTS = ("rows_in", "rows_clean", "rows_quarantined", "rows_not_counted")
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "as_of": {
        "as_of": _TIME,
        "as_of_date": pa.date32(),
        "time_zone": pa.string(),
        "currency": pa.string(),
        "language": pa.string(),
        "run_number": pa.int64(),
        "is_complete": pa.bool_(),
        "missing_sources": pa.string(),
    },
    "clean_file": _FILE_COLUMNS,
    "quarantine_file": {name: kind for name, kind in _FILE_COLUMNS.items() if name != "kind"},
    "batch": {
        "batch_id": pa.string(),
        "source": pa.string(),
        "feed": pa.string(),
        "entity": pa.string(),
        "delivery": pa.string(),
        "night": _TIME,
        "batch_order": pa.string(),
        "received_at": _TIME,
        "records_received": pa.int64(),
        **dict.fromkeys(_COUNTS, pa.int64()),
        "content_hash": pa.string(),
        "status": pa.string(),
        "message": pa.string(),
    },
    "snapshot_batch": {name: pa.string() for name in ("source", "feed", "entity", "batch_id")},
    "check_result": {
        "batch_id": pa.string(),
        "gate_no": pa.int32(),
        "source": pa.string(),
        "feed": pa.string(),
        "entity": pa.string(),
        "rule_id": pa.string(),
        "verdict": pa.string(),
        "failed_count": pa.int64(),
        "checked_count": pa.int64(),
        "stopped": pa.bool_(),
    },
    "decision": {
        "decision_number": pa.int32(),
        **dict.fromkeys(
            ("decision_id", "batch_id", "source", "feed", "verdict", "entity", "row_numbers", "rule_id"), pa.string()
        ),
        "row_count": pa.int64(),
        "who": pa.string(),
        "why": pa.string(),
        "decided_at": _TIME,
        "after_night": _TIME,
        "effect_night": _TIME,
        "effect_gate_no": pa.int32(),
    },
    "rule": {name: pa.string() for name in ("rule_id", "entity", "verdict", "requirement", "name_en", "name_zh")},
    "key_space": {"key_space": pa.string(), "key_space_rank": pa.int32()},
    **experience_tables.SCHEMAS,
    **health_tables.SCHEMAS,
    "calendar_piece": PIECE,
    "calendar_mark": MARK,
    "team_schedule": TEAM_SCHEDULE,
    "sla_policy": SLA_POLICY_COLUMNS,
    "currency_rate": CURRENCY_RATE_COLUMNS,
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Inputs:
    """What was written: files that hold (relative to the data home), clean rows per entity, what is missing."""

    files: frozenset[str]
    clean_rows: dict[str, int]
    missing_sources: list[str]


def inputs_folder(home: Path) -> Path:
    """Where the control tables lie."""
    return home / "warehouse" / "inputs"


def write_inputs(settings: Settings, as_of: datetime, verified: set[str]) -> Inputs:
    """Write the control tables for a night, after holding every file that is not `verified` against its hash.

    Raises:
        DamagedFileError: files are damaged or gone.
        ConfigurationError: a file of the configuration can't be used.
    """
    home = settings.home
    batches = read_held_batches(home, as_of)
    unjudged = unjudged_batches(home, as_of, {one.full.batch_id for one in batches})
    check_undamaged(home, (file for one in batches for file in one.files() if file.path not in verified))
    missing = missing_sources(home, as_of, batches, unjudged)

    silent = read_silences(home, as_of)
    clean = _file_rows(home, batches, "clean")
    quarantine = _file_rows(home, batches, "quarantine")
    tables: dict[str, list[Row]] = {
        "as_of": [_as_of_row(settings, as_of, missing)],
        "clean_file": clean,
        "quarantine_file": quarantine,
        "batch": [
            *_batch_rows(batches),
            *_unjudged_rows(unjudged),
            *_identical_rows(home, as_of, batches),
            *({**_silent_row(one), "status": "silent", "message": one.message} for one in silent),
        ],
        "snapshot_batch": _snapshot_rows(batches),
        "check_result": [*_check_rows(batches), *map(_silent_check, silent)],
        "decision": _decision_rows(home, in_force(read_decisions(home), as_of), as_of),
        "rule": _rule_rows(),
        "key_space": _key_space_rows(settings),
        **experience_tables.experience_tables(settings.config),
        **health_tables.health_tables(settings.config),
        "sla_policy": sla_policy_rows(read_sla(settings.config), settings.timezone),
        "currency_rate": currency_rate_rows(read_currency_rates(settings.config, settings.currency), settings.currency),
    }
    for name, rows in tables.items():
        schema = pa.schema(list(SCHEMAS[name].items()))
        columns = [{column: row.get(column) for column in SCHEMAS[name]} for row in rows]
        _write_table(home, name, pa.Table.from_pylist(columns, schema=schema))
    for name, table in business_tables(read_calendars(settings.config), as_of_date(as_of, settings.timezone)).items():
        _write_table(home, name, table)
    _write_empty_files(home)
    counts: dict[str, int] = {}
    for row in clean:
        counts[row["entity"]] = counts.get(row["entity"], 0) + row["row_count"]
    held = frozenset(file.path for one in batches for file in one.files())
    return Inputs(held, counts, missing)


def _write_table(home: Path, name: str, table: pa.Table) -> None:
    with files.writing(inputs_folder(home) / f"{name}.parquet") as temporary:
        pq.write_table(table, temporary)


def missing_sources(
    home: Path, as_of: datetime, batches: Sequence[HeldBatch], unjudged: Sequence[UnjudgedBatch]
) -> list[str]:
    """Sources that the night could not take in whole: unproven, or with a batch that was not judged."""
    failed = {one.full.source for one in batches if one.full.night == as_of and one.full.status in UNSETTLED}
    left = {one.source for one in unjudged}
    return sorted(failed | left | set(unproven_sources(home, as_of)))


def _as_of_row(settings: Settings, as_of: datetime, missing: list[str]) -> Row:
    return {
        "as_of": _naive(as_of),
        "as_of_date": as_of_date(as_of, settings.timezone),
        "time_zone": settings.timezone,
        "currency": settings.currency,
        "language": settings.language,
        "run_number": run_number(settings.home, as_of),
        "is_complete": not missing,
        "missing_sources": ",".join(missing) or None,
    }


def _file_rows(home: Path, batches: Iterable[HeldBatch], kind: Literal["clean", "quarantine"]) -> list[Row]:
    rows = []
    for batch in batches:
        for gate in batch.gates:
            for entity, count in gate.entities.items():
                file = count.clean if kind == "clean" else count.quarantine
                if file and file.rows:
                    row = {
                        **_identity(batch.full),
                        # a gate of a later night, after a decision or another rule, tells of no other time
                        "night": _naive(told_night_of(batch.full.batch_order)),
                        "entity": entity,
                        "gate_no": gate.gate_no,
                        "kind": gate.kind,
                    }
                    rows.append(row | {"path": str(home / file.path), "row_count": file.rows})
    return rows


def _batch_rows(batches: Iterable[HeldBatch]) -> list[Row]:
    rows = []
    for batch in batches:
        shared = {
            **_identity(batch.full),
            "received_at": _naive(batch.full.received_at),
            "records_received": batch.full.records_received,
            "content_hash": batch.full.content_hash,
            "status": batch.full.status,
            "message": batch.full.message,
        }
        totals = batch.totals()
        for entity, count in totals.items():
            rows.append(shared | {"entity": entity} | {name: getattr(count, name) for name in _COUNTS})
        if not totals:
            rows.append(shared)
    return rows


def _unjudged_rows(unjudged: Iterable[UnjudgedBatch]) -> list[Row]:
    """Batches that landed and that no gate could judge yet."""
    rows = []
    for one in unjudged:
        row = {"batch_id": one.batch_id, "source": one.source, "feed": one.feed, "night": _naive(one.night)}
        if one.batch:
            row |= _identity(one.batch) | {
                "received_at": _naive(one.batch.received_at),
                "records_received": one.batch.rows.records if one.batch.rows else None,
                "content_hash": one.batch.content_hash,
            }
        rows.append(row | {"status": "failed", "message": one.message})
    return rows


def _identical_rows(home: Path, as_of: datetime, batches: Iterable[HeldBatch]) -> list[Row]:
    """Deliveries that brought what was there already: no batches, so their record's name stands for an id."""
    delivery = {one.full.batch_id: one.full.delivery for one in batches}
    return [
        {
            "batch_id": f"{one.name}.identical",
            "source": one.source,
            "feed": one.feed,
            "delivery": delivery.get(one.identical_to),
            "night": _naive(one.night),
            "received_at": _naive(one.received_at),
            "records_received": one.records,
            "content_hash": one.content_hash,
            "status": "identical",
            "message": f"identical to {one.identical_to}",
        }
        for one in read_identical(home, as_of)
    ]


def _silent_row(one: Silence) -> Row:
    """A feed of which nothing came for too long: no batch, so a name of its own stands for an id."""
    return {"batch_id": one.batch_id, "source": one.source, "feed": one.feed, "night": _naive(one.night)}


def _silent_check(one: Silence) -> Row:
    counts = {"failed_count": 1, "checked_count": 1, "stopped": False}
    return {**_silent_row(one), "gate_no": 0, "rule_id": one.rule_id, "verdict": "note", **counts}


def _snapshot_rows(batches: Iterable[HeldBatch]) -> list[Row]:
    latest: dict[tuple[str, str, str], Gate] = {}
    for batch in batches:
        gate = batch.full
        if gate.delivery != "snapshot" or gate.status != "gated":
            continue
        for entity in batch.totals():
            key = (gate.source, gate.feed, entity)
            if key not in latest or latest[key].batch_order < gate.batch_order:
                latest[key] = gate
    return [
        {"source": source, "feed": feed, "entity": entity, "batch_id": gate.batch_id}
        for (source, feed, entity), gate in sorted(latest.items())
    ]


def _check_rows(batches: Iterable[HeldBatch]) -> list[Row]:
    """The last holding gate that ran a rule on a batch says how it came out."""
    rows: dict[tuple[str, str, str], Row] = {}
    for batch in batches:
        for gate in batch.gates:
            for check in gate.checks:
                key = (gate.batch_id, check.entity, check.rule_id)
                rows[key] = {**_identity(batch.full), "gate_no": gate.gate_no, **check.model_dump()}
    return list(rows.values())


def _decision_rows(home: Path, decisions: Sequence[Decision], as_of: datetime) -> list[Row]:
    """What people decided before this night, and the gate that followed it first, if one has."""
    batches = dict.fromkeys(one.batch_id for one in decisions)
    followed = gates_following(gate for batch in batches for gate in read_gates(home, batch, as_of))
    reasons = _masked([one.why for one in decisions])
    return [
        {
            "decision_number": one.number,
            "decision_id": one.decision_id,
            "batch_id": one.batch_id,
            "source": one.source,
            "feed": one.feed,
            "verdict": one.verdict,
            "entity": ",".join(one.rows) or None,
            "row_numbers": "; ".join(one.rows.values()) or None,
            "rule_id": one.rule,
            "row_count": one.row_count,
            "who": one.who,
            "why": why,
            "decided_at": _naive(one.decided_at),
            "after_night": _naive(one.after),
            "effect_night": _naive(gate.night) if gate else None,
            "effect_gate_no": gate.gate_no if gate else None,
        }
        for one, why in zip(decisions, reasons, strict=True)
        for gate in [followed.get(one.decision_id)]
    ]


def _masked(texts: Sequence[str]) -> list[str]:
    """Texts as the warehouse may hold them."""
    if not texts:
        return []
    with duckdb.connect() as con:
        con.register("given", pa.table({"place": range(len(texts)), "text": texts}))
        return [row[0] for row in con.execute(f"select {masked_text('text')} from given order by place").fetchall()]


def _rule_rows() -> list[Row]:
    known = load_rules()
    about_rows = [_rule_row(rule, entity) for entity, rules in known.by_entity.items() for rule in rules]
    return about_rows + [_rule_row(rule, None) for rule in known.of_batches]


def _rule_row(rule: Rule | BatchRule, entity: str | None) -> Row:
    return {
        "rule_id": rule.id,
        "entity": entity,
        "verdict": rule.verdict,
        "requirement": rule.requirement,
        "name_en": rule.words("en"),
        "name_zh": rule.words("zh"),
    }


def _key_space_rows(settings: Settings) -> list[Row]:
    sources, _ = load_source_results(settings.sources)
    spaces = customer_key_spaces(settings.sources, sources)
    return [{"key_space": space, "key_space_rank": rank} for rank, space in enumerate(spaces, 1)]


def _write_empty_files(home: Path) -> None:
    """One Parquet file without rows per entity, so that a model always has something to read."""
    with duckdb.connect() as con:
        for entity, contract in load_contracts().items():
            with files.writing(inputs_folder(home) / "empty" / f"{entity}.parquet") as temporary:
                con.execute(f"copy ({contract.no_clean_rows()}) to {literal(str(temporary))} (format parquet)")


def _identity(of: Gate | Batch) -> Row:
    return {
        "batch_id": of.batch_id,
        "source": of.source,
        "feed": of.feed,
        "delivery": of.delivery,
        "night": _naive(of.night),
        "batch_order": of.batch_order,
    }


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
