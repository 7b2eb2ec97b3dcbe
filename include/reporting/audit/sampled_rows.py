"""Rows that show what a rule finds, read from clean and quarantine Parquet; nothing personal is read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from include.contracts import Contract, load_contracts
from include.sql import in_list, literal, quoted

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
    cells: tuple[tuple[str, str], ...]
    is_cut: bool


def sampled_rows(
    con: duckdb.DuckDBPyConnection,
    home: Path,
    quarantine_files: Iterable[tuple[str, str]],
    clean_files: Iterable[tuple[str, str]],
    rules: int,
) -> dict[str, list[SampledRow]]:
    """At most 20 rows of each rule, by rule: unusable and not counted ones from quarantine, flagged ones from clean.

    Args:
        con: any connection.
        home: the data home.
        quarantine_files: entity and path below the data home.
        clean_files: the same of clean.
        rules: how many rules found something, to share out the room.
    """
    limit = max(3, min(PER_RULE, _PER_PAGE // max(rules, 1)))
    found: dict[str, list[SampledRow]] = defaultdict(list)
    rows = []
    paths = [str(home / path) for _, path in quarantine_files if (home / path).exists()]
    if paths:
        rows += con.execute(_quarantined_sql(paths), [limit]).fetchall()
    by_entity: dict[str, list[str]] = defaultdict(list)
    for entity, path in clean_files:
        if (home / path).exists():
            by_entity[entity].append(str(home / path))
    contracts = load_contracts()
    for entity, files in by_entity.items():
        rows += con.execute(_flagged_sql(contracts[entity], files), [limit]).fetchall()
    for rule_id, source, feed, number, key, status, en, zh, content in rows:
        cells, is_cut = _cells(content)
        found[rule_id].append(SampledRow(source, feed, number, key or "", status, en, zh, cells, is_cut))
    return dict(found)


def _quarantined_sql(paths: list[str]) -> str:
    return f"""
        select rule_id, source, feed, row_number, business_key, status, reason_en, reason_zh, raw_row_masked
        from (
            select
                rule_id, source, feed, row_number, business_key, status, reason_en, reason_zh, raw_row_masked,
                row_number() over (partition by rule_id order by source, feed, batch_id, row_id) as place
            from read_parquet([{in_list(paths)}])
        )
        where place <= ?
        order by rule_id, place
    """


def _flagged_sql(contract: Contract, paths: list[str]) -> str:
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
        select rule_id, source, feed, row_number, key, 'flag', '', '', content
        from (
            select *, row_number() over (partition by rule_id order by source, feed, batch_id, row_id) as place
            from (
                select
                    unnest(string_split(flag_rules, ',')) as rule_id, source, feed, batch_id, row_id, row_number,
                    {key} as key, json_object({content})::varchar as content
                from read_parquet([{in_list(paths)}], union_by_name = true)
                where flag_rules is not null
            )
        )
        where place <= ?
        order by rule_id, place
    """


def _cells(content: str | None) -> tuple[tuple[tuple[str, str], ...], bool]:
    """What a row holds, without empty cells, as far as there is room; and whether something was left out."""
    shown: list[tuple[str, str]] = []
    room = _SHOWN_CHARACTERS
    for name, value in (json.loads(content) if content else {}).items():
        if value is None or value == "":
            continue
        text = str(value)
        if room <= len(name) + 2:
            return tuple(shown), True
        shown.append((name, text[: room - len(name)]))
        room -= len(name) + len(text) + 2
        if room < 0:
            return tuple(shown), True
    return tuple(shown), False
