"""A data home with a ledger written by hand, and a dbt project of three models: for tests of build and publish."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from include import files
from include.contracts import load_contracts
from include.gate.ledger import CheckResult, DataFile, EntityCount, Gate, commit
from include.settings import Settings, night_id
from include.sources import load_source_results
from include.warehouse.build_file import BuildRecord, build_file, table_prints, write_record
from include.warehouse.night_records import begin_night, mark_gated, mark_landed

NIGHT_1 = datetime(2026, 6, 28, 16, tzinfo=UTC)
NIGHT_2 = datetime(2026, 6, 29, 16, tzinfo=UTC)
NIGHT_3 = datetime(2026, 6, 30, 16, tzinfo=UTC)

SOURCE = """\
source: {name}
system: Desk
group: {group}
folder: "{{home}}/inbox/{name}"
feeds:
  tickets:
    delivery: incremental
    files: "{{night}}/tickets.csv"
    entities:
      ticket:
        columns:
          ticket_id: [id]
          status: [status]
          created_at: [created]
"""
Kind = Literal["full", "moved"]
Status = Literal["gated", "stopped", "unreadable", "failed"]


class WarehouseHome:
    """An installation whose only feed is `desk.tickets`, with gates written by hand."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "sources"
        self.sources.mkdir(parents=True)
        self.add_source("desk", "tickets")
        self.settings = Settings(home=folder / "home", sources=self.sources, hash_key="a key for tests")
        self.home = self.settings.home

    def add_source(self, name: str, group: str) -> None:
        """Write a source YAML."""
        (self.sources / f"{name}.yml").write_text(SOURCE.format(name=name, group=group), encoding="utf-8")

    def begin(self, night: datetime, *, proven: bool = True) -> None:
        """Begin a night, and prove that all sources landed and all groups were judged."""
        loaded, broken = load_source_results(self.sources)
        begin_night(self.home, night, loaded, broken)
        for one in loaded if proven else []:
            for feed in one.source.feeds:
                mark_landed(self.home, night, one.source.name, feed)
            mark_gated(self.home, night, one.source.group)

    def gate(
        self,
        night: datetime,
        tickets: list[str],
        *,
        batch: str | None = None,
        gate_no: int = 1,
        kind: Kind = "full",
        status: Status = "gated",
        quarantined: list[str] | None = None,
        delivery: str = "incremental",
        checks: list[CheckResult] | None = None,
    ) -> Gate:
        """Commit a gate of `desk.tickets` with one clean row per ticket id and one quarantined row per other id."""
        batch_id = batch or f"desk.tickets.{night_id(night)}.{len(tickets):012x}"
        held = quarantined or []
        gate = Gate(
            batch_id=batch_id,
            gate_no=gate_no,
            kind=kind,
            night=night,
            source="desk",
            feed="tickets",
            delivery=delivery,
            batch_order=batch_id.split(".")[2],
            received_at=night,
            content_hash="ab" * 32,
            records_received=len(tickets) + len(held),
            status=status,
            mapping_hash="m",
            rules_hash="r",
            entities={
                "ticket": EntityCount(
                    rows_in=len(tickets) + len(held),
                    rows_clean=len(tickets),
                    rows_quarantined=len(held),
                    rows_not_counted=0,
                    key_count=len(tickets),
                    clean=self._clean(batch_id, gate_no, tickets) if tickets else None,
                    quarantine=self._quarantine(batch_id, gate_no, held) if held else None,
                )
            },
            checks=checks or [],
        )
        commit(self.home, gate)
        return gate

    def prepare_build(self, night: datetime, tables: dict[str, str]) -> None:
        """Write a build file with `schema.table: select …` as dbt would have, and record it as good."""
        path = build_file(self.home)
        path.parent.mkdir(parents=True, exist_ok=True)
        files.remove(path)
        with duckdb.connect(str(path)) as con:
            con.execute("create schema audit")
            con.execute(
                "create table audit.warehouse_state as select ?::timestamp as as_of", [night.replace(tzinfo=None)]
            )
            for name, select in tables.items():
                con.execute(f"create schema if not exists {name.split('.')[0]}")
                con.execute(f"create table {name} as {select}")
        write_record(
            self.home,
            BuildRecord(
                night=night,
                sha256=files.sha256_of(path),
                code_hash="c",
                tables=table_prints(path),
                verified_files=[],
            ),
        )

    def _clean(self, batch_id: str, gate_no: int, tickets: list[str]) -> DataFile:
        rows = [
            {"ticket_id": ticket, "batch_id": batch_id, "gate_no": gate_no, "row_id": number, "source": "desk"}
            for number, ticket in enumerate(tickets, start=1)
        ]
        columns = dict(load_contracts()["ticket"].clean_columns())
        return self._write(f"clean/ticket/{batch_id}.{gate_no}.parquet", rows, columns)

    def _quarantine(self, batch_id: str, gate_no: int, tickets: list[str]) -> DataFile:
        rows = [{"batch_id": batch_id, "row_id": number} for number, _ in enumerate(tickets, start=1)]
        return self._write(
            f"quarantine/ticket/{batch_id}.{gate_no}.parquet", rows, {"batch_id": "VARCHAR", "row_id": "BIGINT"}
        )

    def _write(self, name: str, rows: list[dict[str, Any]], columns: dict[str, str]) -> DataFile:
        path = self.home / name
        with duckdb.connect() as con:
            con.execute(f"create table t ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
            for row in rows:
                con.execute(
                    f"insert into t ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
                )
            with files.writing(path) as temporary:
                con.execute(f"copy t to '{temporary}' (format parquet)")
        return DataFile(path=name, sha256=files.sha256_of(path), rows=len(rows))


MODELS = {
    "staging/stg_ticket_version.sql": """
        {{ config(materialized='incremental', schema='staging') }}
        {% set inputs = env_var('METRICS_WAREHOUSE_INPUTS') %}
        {% set clean_file = "read_parquet('" ~ inputs ~ "/clean_file.parquet')" %}
        {% set held = run_query("select path, batch_id, gate_no from " ~ clean_file) %}
        {% for row in (held.rows if execute else []) %}
        select ticket_id, batch_id, gate_no from read_parquet('{{ row[0] }}')
        {% if is_incremental() %}
        where not exists (
            select 1 from {{ this }} as t where t.batch_id = '{{ row[1] }}' and t.gate_no = {{ row[2] }}
        )
        {% endif %}
        union all
        {% endfor %}
        select ticket_id, batch_id, gate_no from read_parquet('{{ inputs }}/empty/ticket.parquet')
    """,
    "marts/fct_ticket.sql": """
        {{ config(materialized='table', schema='marts') }}
        select distinct ticket_id from {{ ref('stg_ticket_version') }}
    """,
    "audit/warehouse_state.sql": """
        {{ config(materialized='table', schema='audit') }}
        select * from read_parquet('{{ env_var("METRICS_WAREHOUSE_INPUTS") }}/as_of.parquet')
    """,
}
SCHEMA_NAMES = "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
PROJECT = "{name: standin, version: '1.0', profile: standin, flags: {send_anonymous_usage_stats: false}}"
PROFILE = """\
standin:
  target: warehouse
  outputs:
    warehouse: {type: duckdb, path: "{{ env_var('METRICS_WAREHOUSE_FILE') }}", threads: 1}
"""


def write_project(folder: Path) -> Path:
    """A dbt project that builds what publish and the checks after a build need, from the control tables."""
    for name, text in {
        "dbt_project.yml": PROJECT,
        "profiles.yml": PROFILE,
        "macros/names.sql": SCHEMA_NAMES,
        **{f"models/{path}": text for path, text in MODELS.items()},
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
