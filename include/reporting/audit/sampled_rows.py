"""Rows that show what a rule finds, read from clean and quarantine Parquet; nothing personal is read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from markupsafe import Markup

from include import files
from include.contracts import Contract, load_contracts
from include.gate.ledger import DataFile
from include.reporting.audit.patterns import pattern
from include.reporting.rendering import escaped
from include.sql import in_list, literal, quoted
from include.warehouse.night_summary import Language

PER_RULE = 20
# Rows that one page shows at most, so that it stays light however many rules find something.
_PER_PAGE = 800
_SHOWN_CHARACTERS = 240
# What the gate adds to a row of clean; the page says it elsewhere.
_BOOKKEEPING = {
    "source", "feed", "batch_id", "gate_no", "row_number", "row_id", "is_counted", "not_counted_rules", "flag_rules",
}  # fmt: skip


@dataclass(frozen=True)
class SampledRow:
    """One row: where it stands in its delivery, why, and what it holds, masked, as far as there is room."""

    source: str
    feed: str
    row_number: int
    key: str
    status: str
    en: str
    zh: str
    content: Markup

    def drawn(self, language: Language, status: str, reason: str) -> str:
        """The row of a table, with its status and the reason in words."""
        return pattern(language, "sample_row").format(
            source=escaped(self.source),
            feed=escaped(self.feed),
            row_number=self.row_number,
            key=escaped(self.key or "–"),
            status=escaped(status),
            reason=escaped(reason),
            content=self.content,
        )


@dataclass(frozen=True)
class NightFiles:
    """What a night's samples are taken from: entity and path below the data home; and how many rows of each rule.

    `damaged` are the paths of files that are not what was written: nobody is shown what may be wrong.
    """

    night: datetime
    quarantine: tuple[tuple[str, str], ...]
    clean: tuple[tuple[str, str], ...]
    damaged: tuple[str, ...]
    limit: int


Samples = dict[str, list[SampledRow]]


def undamaged_files(
    home: Path,
    night: datetime,
    quarantine: Iterable[tuple[str, DataFile]],
    clean: Iterable[tuple[str, DataFile]],
    rules: int,
) -> NightFiles:
    """The files of a night that are what the ledger says, for so many rules that found something."""
    damaged: list[str] = []

    def sound(found: Iterable[tuple[str, DataFile]]) -> tuple[tuple[str, str], ...]:
        kept = []
        for entity, file in found:
            path = home / file.path
            if path.exists() and files.sha256_of(path) == file.sha256:
                kept.append((entity, file.path))
            else:
                damaged.append(file.path)
        return tuple(kept)

    return NightFiles(night, sound(quarantine), sound(clean), tuple(damaged), rows_per_rule(rules))


def rows_per_rule(rules: int) -> int:
    """How many rows of each rule a page shows where so many rules found something."""
    return max(3, min(PER_RULE, _PER_PAGE // max(rules, 1)))


def sampled_rows(
    con: duckdb.DuckDBPyConnection, home: Path, nights: Sequence[NightFiles]
) -> dict[datetime, dict[str, list[SampledRow]]]:
    """Rows of each rule by night: unusable and not counted ones from quarantine, flagged ones from clean.

    Many nights are read together, as a query costs more than the few rows that a night's small files hold.

    Args:
        con: any connection.
        home: the data home.
        nights: of which pages are written.
    """
    found: dict[datetime, Samples] = {one.night: defaultdict(list) for one in nights}
    contracts = load_contracts()
    every = {path for one in nights for _, path in one.quarantine}
    rows = _read(con, home, nights, _QUARANTINED, every)
    for entity in sorted({entity for one in nights for entity, _ in one.clean}):
        paths = {path for one in nights for name, path in one.clean if name == entity}
        rows += _read(con, home, nights, _flagged_sql(contracts[entity]), paths, contracts[entity])
    for number, rule_id, source, feed, row_number, key, status, en, zh, content in rows:
        row = SampledRow(source, feed, row_number, key or "", status, en, zh, _content(content))
        found[nights[number].night][rule_id].append(row)
    return found


def _read(
    con: duckdb.DuckDBPyConnection,
    home: Path,
    nights: Sequence[NightFiles],
    sql: str,
    wanted: Set[str],
    contract: Contract | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of a query over files; the table `file` says which night each belongs to, and how many it may show.

    The files are those of clean that hold a contract's rows, or of quarantine.
    """
    places = [
        (str(home / path), number, one.limit)
        for number, one in enumerate(nights)
        for _, path in (one.clean if contract else one.quarantine)
        if path in wanted
    ]
    if not places:
        return []
    paths, numbers, rooms = zip(*places, strict=True)
    # As text: DuckDB imports pandas for whoever hands it values.
    con.execute(
        f"""create or replace temp table file as
           select unnest([{in_list(paths)}]) as path, unnest({list(numbers)}) as night, unnest({list(rooms)}) as room"""
    )
    rows = f"select * from read_parquet([{in_list(sorted({*paths}))}], union_by_name = true, filename = true)"
    if contract:
        rows += f" union all by name {contract.no_clean_rows()}"
    return con.execute(sql.replace("{rows}", f"({rows})")).fetchall()


_QUARANTINED = """
    select night, rule_id, source, feed, row_number, business_key, status, reason_en, reason_zh, raw_row_masked
    from (
        select
            f.night, f.room, q.rule_id, q.source, q.feed, q.row_number, q.business_key, q.status, q.reason_en,
            q.reason_zh, q.raw_row_masked,
            row_number() over (
                partition by f.night, q.rule_id order by q.source, q.feed, q.batch_id, q.row_id
            ) as place
        from {rows} as q
        join file as f on f.path = q.filename
    )
    where place <= room
    order by night, rule_id, place
"""


def _flagged_sql(contract: Contract) -> str:
    """Flagged rows of an entity; of clean every column may be shown but the hashes, which say nothing to anybody."""
    shown = [
        name
        for name, _ in contract.clean_columns()
        if not name.endswith(("_hash", "_space")) and name not in _BOOKKEEPING
    ]
    content = ", ".join(f"{literal(name)}, {quoted(name)}" for name in shown)
    keys = [name for name in contract.key if name in shown]
    key = f"concat_ws('|', {', '.join(quoted(name) for name in keys)})" if keys else "null"
    return f"""
        select night, rule_id, source, feed, row_number, key, 'flag', '', '', json_object({content})::varchar
        from (
            select *, row_number() over (partition by night, rule_id order by source, feed, batch_id, row_id) as place
            from (
                select unnest(string_split(c.flag_rules, ',')) as rule_id, f.night, f.room, {key} as key, c.*
                from {{rows}} as c
                join file as f on f.path = c.filename
                where c.flag_rules is not null
            )
        )
        where place <= room
        order by night, rule_id, place
    """


def _content(text: str | None) -> Markup:
    """What a row holds, without empty cells, as far as there is room."""
    parts = []
    room = _SHOWN_CHARACTERS
    for name, value in (json.loads(text) if text else {}).items():
        if value is None or value == "":
            continue
        if room <= len(name) + 2:
            parts.append("…")
            break
        told = str(value)
        parts.append(f"<span><i>{escaped(name)}</i> {escaped(told[: room - len(name)])}</span>")
        room -= len(name) + len(told) + 2
    return Markup(" ".join(parts))
