"""A small data home built from rows given as dicts, and `dbt build` over it: what models are tested against.

>>> home = WarehouseFixture(tmp_path)
>>> home.deliver("customer", [{"customer_id": "C1", "tier": "vip"}], source="crm")
>>> home.build()
>>> home.rows("select tier from marts.dim_customer where customer_id = 'C1'")
[{'tier': 'vip'}]
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq

from include.configuration.business_time import business_tables
from include.configuration.calendars import FILE as CALENDARS
from include.configuration.calendars import read_calendars
from include.configuration.currency_rates import CurrencyRates, currency_rate_rows
from include.configuration.experience_tables import sampling_rows, weight_rows
from include.configuration.health import HealthConfiguration
from include.configuration.health_tables import health_rows
from include.configuration.sampling import Sampling
from include.configuration.sla import ServiceLevels
from include.configuration.sla_tables import sla_policy_rows
from include.configuration.weights import CsiWeights
from include.contracts import load_contracts
from include.settings import as_of_date, end_of_day, night_id
from tests.support.dbt_process import run_dbt

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
# What a required column holds when a row doesn't say.
REQUIRED = {
    "id": "1",
    "text": "text",
    "code": "other",
    "integer": 0,
    "decimal": 0,
    "number": 0.0,
    "boolean": False,
    "timestamp": datetime(2026, 6, 1),
    "date": date(2026, 6, 1),
}
CONTROL = {
    "as_of": "as_of TIMESTAMP, as_of_date DATE, time_zone VARCHAR, currency VARCHAR, language VARCHAR, "
    "run_number BIGINT, is_complete BOOLEAN, missing_sources VARCHAR",
    "clean_file": "entity VARCHAR, batch_id VARCHAR, gate_no INTEGER, kind VARCHAR, source VARCHAR, "
    "feed VARCHAR, delivery VARCHAR, night TIMESTAMP, batch_order VARCHAR, path VARCHAR, row_count BIGINT",
    "quarantine_file": "entity VARCHAR, batch_id VARCHAR, gate_no INTEGER, source VARCHAR, "
    "feed VARCHAR, delivery VARCHAR, night TIMESTAMP, batch_order VARCHAR, path VARCHAR, row_count BIGINT",
    "batch": "batch_id VARCHAR, source VARCHAR, feed VARCHAR, entity VARCHAR, delivery VARCHAR, "
    "night TIMESTAMP, batch_order VARCHAR, received_at TIMESTAMP, records_received BIGINT, rows_in BIGINT, "
    "rows_clean BIGINT, rows_quarantined BIGINT, rows_not_counted BIGINT, content_hash VARCHAR, "
    "status VARCHAR, message VARCHAR",
    "snapshot_batch": "source VARCHAR, feed VARCHAR, entity VARCHAR, batch_id VARCHAR",
    "check_result": "batch_id VARCHAR, gate_no INTEGER, source VARCHAR, feed VARCHAR, entity VARCHAR, "
    "rule_id VARCHAR, verdict VARCHAR, failed_count BIGINT, checked_count BIGINT, stopped BOOLEAN",
    "rule": "rule_id VARCHAR, entity VARCHAR, verdict VARCHAR, requirement VARCHAR, name_en VARCHAR, name_zh VARCHAR",
    "decision": "decision_number INTEGER, decision_id VARCHAR, batch_id VARCHAR, source VARCHAR, feed VARCHAR, "
    "verdict VARCHAR, entity VARCHAR, row_numbers VARCHAR, rule_id VARCHAR, row_count BIGINT, who VARCHAR, "
    "why VARCHAR, decided_at TIMESTAMP, after_night TIMESTAMP, effect_night TIMESTAMP, effect_gate_no INTEGER",
    "key_space": "key_space VARCHAR, key_space_rank INTEGER",
    "csi_scene": "scene VARCHAR, scene_rank INTEGER, name_en VARCHAR, name_zh VARCHAR, purpose VARCHAR, "
    "customer_type VARCHAR, tier VARCHAR, product_line VARCHAR, channel_group VARCHAR, valid_from DATE, "
    "valid_to DATE, coverage_min DECIMAL(18, 6)",
    "csi_weight": "scene VARCHAR, scene_rank INTEGER, dimension VARCHAR, weight DECIMAL(18, 6)",
    "sampling_purpose": "purpose VARCHAR, population VARCHAR, wave VARCHAR, recently_asked_days INTEGER",
    "sampling_stratum": "tier VARCHAR, stratum VARCHAR",
    "health_item": "valid_from DATE, component VARCHAR, component_weight DECIMAL(18, 6), feature VARCHAR, "
    "item_weight DECIMAL(18, 6), worst DECIMAL(18, 6), best DECIMAL(18, 6)",
    "health_setting": "coverage_min INTEGER, contract_horizon_days INTEGER, order_horizon_days INTEGER, "
    "min_losses INTEGER, refit_months INTEGER, success_percent INTEGER, is_contract_end_agreed BOOLEAN",
    "calendar_piece": "schedule VARCHAR, piece_date DATE, starts_at TIMESTAMP, ends_at TIMESTAMP, "
    "business_before BIGINT, is_business BOOLEAN",
    "calendar_mark": "schedule VARCHAR, bucket BIGINT, starts_at TIMESTAMP, business_before BIGINT, "
    "business_after BIGINT",
    "team_schedule": "team_id VARCHAR, schedule VARCHAR",
    "sla_policy": "policy VARCHAR, policy_en VARCHAR, policy_zh VARCHAR, policy_order INTEGER, sla_clock VARCHAR, "
    "tier VARCHAR, priority VARCHAR, issue_type VARCHAR, channel VARCHAR, valid_from_at TIMESTAMP, "
    "valid_to_at TIMESTAMP, target_minutes BIGINT, is_business_hours BOOLEAN",
    "currency_rate": "currency VARCHAR, valid_from_date DATE, valid_to_date DATE, rate DECIMAL(18, 8)",
}
_ROWS_AT_A_TIME = 200
# Without more said, everybody works day and night: business time is then the time on the calendar.
ALWAYS = "calendars: {always: {always: true}}\ndefault: always\n"
# One policy for every ticket, around the clock.
SERVICE_LEVELS = ServiceLevels.model_validate(
    {
        "policies": [
            {
                "name": "all",
                "words": {"en": "All", "zh": "全部"},
                "hours": "calendar",
                "targets": {"first_response": 60, "next_response": 240, "resolution": 2880},
            }
        ]
    }
)
QUARANTINE = (
    "source VARCHAR, feed VARCHAR, batch_id VARCHAR, gate_no INTEGER, entity VARCHAR, row_number BIGINT, "
    "row_id BIGINT, business_key VARCHAR, rule_id VARCHAR, verdict VARCHAR, status VARCHAR, "
    "reason_en VARCHAR, reason_zh VARCHAR, raw_row VARCHAR, raw_row_masked VARCHAR"
)


class BuildError(AssertionError):
    """dbt ended with an error; the text is its output."""


@dataclass
class Gate:
    """One gate of one delivery, and the rows of each entity that it wrote."""

    batch_id: str
    gate_no: int
    kind: str
    source: str
    feed: str
    delivery: str
    night: datetime
    place: int
    clean: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    quarantined: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def batch_order(self) -> str:
        """Deliveries hold in the order of their nights, then in that of `deliver`."""
        return f"{night_id(self.night)}.{self.place:04d}"


class WarehouseFixture:
    """Deliveries written as the gate writes them, and the warehouse that dbt makes of them."""

    def __init__(
        self,
        folder: Path,
        *,
        as_of: datetime | str = AS_OF,
        timezone: str = "Asia/Shanghai",
        currency: str = "CNY",
        key_spaces: Sequence[str] = ("crm", "desk", "survey"),
        dbt_target: Path | None = None,
    ) -> None:
        """An empty home in `folder`; `as_of` is an instant or a local date, meaning its end."""
        self.folder = folder
        self.timezone = timezone
        self.currency = currency
        self.key_spaces = list(key_spaces)
        self.as_of = self._instant(as_of)
        self.gates: list[Gate] = []
        self.extra: dict[str, list[dict[str, Any]]] = {}
        self.calendars_text = ALWAYS
        self.warehouse = folder / "warehouse" / "build" / "warehouse.duckdb"
        self.inputs = folder / "warehouse" / "inputs"
        self.dbt_target = dbt_target or folder / "warehouse" / "target"
        self.warehouse.parent.mkdir(parents=True, exist_ok=True)
        (self.inputs / "empty").mkdir(parents=True, exist_ok=True)

    def deliver(
        self,
        entity: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        source: str = "crm",
        feed: str | None = None,
        delivery: str = "incremental",
        night: datetime | str | None = None,
        batch: str | None = None,
        quarantined: Sequence[Mapping[str, Any]] = (),
        kind: str = "full",
    ) -> str:
        """Add clean rows (and quarantined ones) of one entity; returns the batch's id.

        The same `batch` with another entity joins that gate; with the same entity it is its next gate.
        `<id>_space` defaults to the source, required columns to the values of REQUIRED.
        """
        at = self._instant(night) if night is not None else self.as_of
        batch_id = batch or f"{source}.{feed or entity}.{night_id(at)}.{len(self.gates):04d}"
        earlier = [gate for gate in self.gates if gate.batch_id == batch_id]
        if earlier and entity not in earlier[-1].clean and kind == "full":
            gate = earlier[-1]
        else:
            place = earlier[0].place if earlier else len(self.gates)
            gate = Gate(batch_id, len(earlier) + 1, kind, source, feed or entity, delivery, at, place)
            self.gates.append(gate)
        gate.clean[entity] = [self._clean_row(entity, gate, n, row) for n, row in enumerate(rows, start=1)]
        gate.quarantined[entity] = [
            {
                "source": gate.source,
                "feed": gate.feed,
                "batch_id": batch_id,
                "gate_no": gate.gate_no,
                "entity": entity,
                "row_number": len(rows) + n,
                "row_id": len(rows) + n,
                "rule_id": "rule",
                "verdict": "unusable",
                "status": "quarantined",
                "reason_en": "A reason.",
                "reason_zh": "原因。",
                "raw_row": '{"secret": "original"}',
                "raw_row_masked": "{}",
                **row,
            }
            for n, row in enumerate(quarantined, start=1)
        ]
        return batch_id

    def set_as_of(self, as_of: datetime | str) -> None:
        """Let the next build hold for another night: an instant or a local date, meaning its end."""
        self.as_of = self._instant(as_of)

    def control(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give all rows of a control table, such as the ones that deliveries don't fill (rule)."""
        self.extra[table] = [dict(row) for row in rows]

    def calendars(self, text: str) -> None:
        """Give the text of a `calendars.yml`; empty calendars (`calendars: {}`) leave business time unknown."""
        self.calendars_text = text

    def write_inputs(self) -> None:
        """Write clean and quarantine files and the control tables that a build reads."""
        with duckdb.connect() as connection:
            for entity, contract in load_contracts().items():
                columns = contract.clean_columns()
                _write(connection, self.inputs / "empty" / f"{entity}.parquet", _ddl(columns), [])
            for gate in self.gates:
                for entity, rows in gate.clean.items():
                    ddl = _ddl(load_contracts()[entity].clean_columns())
                    _write(connection, self._file("clean", entity, gate), ddl, rows)
                for entity, rows in gate.quarantined.items():
                    if rows:
                        _write(connection, self._file("quarantine", entity, gate), QUARANTINE, rows)
            for table, rows in {**self._control_rows(), **self.extra}.items():
                _write(connection, self.inputs / f"{table}.parquet", CONTROL[table], rows)
        (self.folder / CALENDARS).write_text(self.calendars_text, encoding="utf-8")
        tables = business_tables(read_calendars(self.folder), as_of_date(self.as_of, self.timezone))
        for table in tables.keys() - self.extra.keys():
            pq.write_table(tables[table], self.inputs / f"{table}.parquet")

    def build(self, *arguments: str, tests: bool = True, full_refresh: bool = False) -> str:
        """Write the inputs and run `dbt build` without unit tests (or any tests); returns its output.

        Raises:
            BuildError: dbt ended with an error.
        """
        self.write_inputs()
        left_out = ["unit_test"] if tests else ["unit_test", "test"]
        options = [option for kind in left_out for option in ("--exclude-resource-type", kind)]
        if full_refresh:
            options.append("--full-refresh")
        return self.dbt("build", *options, *arguments)

    def dbt(self, *arguments: str) -> str:
        """Run dbt on this home's warehouse; returns its output.

        Raises:
            BuildError: dbt ended with an error.
        """
        environment = {
            **os.environ,
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_PROJECT_DIR": str(PROJECT),
            "METRICS_TIMEZONE": self.timezone,
            "METRICS_BUILD_THREADS": "1",
            "DBT_TARGET_PATH": str(self.dbt_target),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        code, output = run_dbt(["--no-use-colors", *arguments], self.warehouse, self.inputs, environment)
        if code != 0:
            raise BuildError(output)
        return output

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query on the built warehouse, as dicts."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            result = connection.execute(sql, list(parameters))
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def value(self, sql: str, *parameters: Any) -> Any:
        """The single value of a query on the built warehouse."""
        (row,) = self.rows(sql, *parameters)
        (value,) = row.values()
        return value

    def _instant(self, value: datetime | str) -> datetime:
        if isinstance(value, str):
            return end_of_day(date.fromisoformat(value), ZoneInfo(self.timezone))
        return value.astimezone(UTC)

    def _file(self, folder: str, entity: str, gate: Gate) -> Path:
        return self.folder / folder / entity / f"{gate.batch_id}.{gate.gate_no}.parquet"

    def _clean_row(self, entity: str, gate: Gate, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        contract = load_contracts()[entity]
        names = [name for name, _ in contract.clean_columns()]
        unknown = set(row) - set(names)
        if unknown:
            raise KeyError(f"{entity} has no clean column {', '.join(sorted(unknown))}")
        clean: dict[str, Any] = dict.fromkeys(names)
        for name, column in contract.columns.items():
            if column.required and not column.is_hashed:
                clean[name] = column.values[0] if column.values else REQUIRED[column.type]
        clean |= {
            "source": gate.source,
            "feed": gate.feed,
            "batch_id": gate.batch_id,
            "gate_no": gate.gate_no,
            "row_number": number,
            "row_id": number,
            "is_counted": True,
        }
        clean |= row
        for name in names:
            if name.endswith("_space") and name not in row and clean[name.removesuffix("_space")] is not None:
                clean[name] = gate.source
        return clean

    def _control_rows(self) -> dict[str, list[dict[str, Any]]]:
        clean, quarantined, batches = [], [], []
        snapshots: dict[tuple[str, str, str], Gate] = {}
        for gate in self._holding():
            described = {
                "batch_id": gate.batch_id,
                "gate_no": gate.gate_no,
                "source": gate.source,
                "feed": gate.feed,
                "delivery": gate.delivery,
                "night": _naive(gate.night),
                "batch_order": gate.batch_order,
            }
            for entity, rows in gate.clean.items():
                bad = gate.quarantined[entity]
                path = str(self._file("clean", entity, gate))
                if rows:
                    clean.append(
                        {
                            **described,
                            "entity": entity,
                            "kind": gate.kind,
                            "path": path,
                            "row_count": len(rows),
                        }
                    )
                if bad:
                    path = str(self._file("quarantine", entity, gate))
                    quarantined.append({**described, "entity": entity, "path": path, "row_count": len(bad)})
                rows_out = len({row["row_id"] for row in bad if row["verdict"] == "unusable"})
                if gate.kind == "full":
                    batches.append(
                        {
                            **{name: value for name, value in described.items() if name != "gate_no"},
                            "entity": entity,
                            "received_at": _naive(gate.night),
                            "records_received": len(rows) + rows_out,
                            "rows_in": len(rows) + rows_out,
                            "rows_clean": len(rows),
                            "rows_quarantined": rows_out,
                            "rows_not_counted": sum(not row["is_counted"] for row in rows),
                            "content_hash": gate.batch_id,
                            "status": "gated",
                        }
                    )
                if gate.delivery == "snapshot":
                    key = (gate.source, gate.feed, entity)
                    if key not in snapshots or snapshots[key].batch_order <= gate.batch_order:
                        snapshots[key] = gate
        return {
            "as_of": [
                {
                    "as_of": _naive(self.as_of),
                    "as_of_date": as_of_date(self.as_of, self.timezone),
                    "time_zone": self.timezone,
                    "currency": self.currency,
                    "language": "en",
                    "run_number": 1,
                    "is_complete": True,
                    "missing_sources": None,
                }
            ],
            "clean_file": clean,
            "quarantine_file": quarantined,
            "batch": batches,
            "snapshot_batch": [
                {"source": source, "feed": feed, "entity": entity, "batch_id": gate.batch_id}
                for (source, feed, entity), gate in snapshots.items()
            ],
            "check_result": [],
            "decision": [],
            "rule": [],
            "key_space": [
                {"key_space": name, "key_space_rank": rank} for rank, name in enumerate(self.key_spaces, start=1)
            ],
            **weight_rows(CsiWeights()),
            **sampling_rows(Sampling()),
            **health_rows(HealthConfiguration()),
            "sla_policy": sla_policy_rows(SERVICE_LEVELS, self.timezone),
            "currency_rate": currency_rate_rows(CurrencyRates(), self.currency),
        }

    def _holding(self) -> list[Gate]:
        """Gates of nights up to as_of: the last full one of each batch and every moved one after it."""
        known = [gate for gate in self.gates if gate.night <= self.as_of]
        last_full = {gate.batch_id: gate.gate_no for gate in known if gate.kind == "full"}
        return [gate for gate in known if gate.gate_no >= last_full[gate.batch_id]]


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _ddl(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns)


def _write(connection: duckdb.DuckDBPyConnection, path: Path, ddl: str, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"create or replace temp table given ({ddl})")
    names = [row[0] for row in connection.execute("describe given").fetchall()]
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        values = [[row.get(name) for name in names] for row in rows[start : start + _ROWS_AT_A_TIME]]
        marks = f"({', '.join('?' for _ in names)})"
        # many rows in one statement are faster by far, but only values of one type a column are cast as a single one is
        if all(
            len({type(value) for value in column if value is not None}) <= 1 for column in zip(*values, strict=True)
        ):
            everything = [value for row in values for value in row]
            connection.execute(f"insert into given values {', '.join([marks] * len(values))}", everything)
        else:
            connection.executemany(f"insert into given values {marks}", values)
    connection.execute(f"copy given to '{path}' (format parquet)")
