"""Measure a delivery on the gate's tables: rows, missing values, and how often each code and each score occurs."""

from __future__ import annotations

import duckdb

from include.contracts import Contract, load_contracts
from include.gate.figures import ColumnFigures, DeliveryFigures, EntityFigures
from include.gate.judging import Judged
from include.sources.column_report import compare_columns
from include.sql import quoted

# Of a column with more different values no share of one says anything.
MOST_VALUES = 50
_SCORES = {"review": ("rating",)}
_ANSWERS = "survey_answer"


def measure(con: duckdb.DuckDBPyConnection, judged: Judged) -> DeliveryFigures | None:
    """The figures of a delivery whose mapped rows are on the tables; null for what no file brings (questionnaires)."""
    batch = judged.batch
    if batch.rows is None or judged.loaded.source.feeds[batch.feed].questionnaires:
        return None
    return DeliveryFigures(
        records=batch.rows.records,
        columns_found=compare_columns(judged.loaded, batch.feed, batch.rows.columns).found,
        entities={
            entity: _answers(con, judged) if entity == _ANSWERS else _rows(con, judged, entity)
            for entity in judged.entities
        },
    )


def _of(judged: Judged, entity: str) -> str:
    """The rows of a delivery that could be split into columns."""
    return f"m_{entity} where batch_no = {judged.batch_no} and _unparsable is null"


def _rows(con: duckdb.DuckDBPyConnection, judged: Judged, entity: str) -> EntityFigures:
    contract = load_contracts()[entity]
    mapped = judged.loaded.source.feeds[judged.batch.feed].entities[entity].columns
    names = [name for name in contract.columns if name in mapped]
    scores = _SCORES.get(entity, ())
    counted = [name for name in names if name in scores or _is_category(contract, name)]
    parts = ["count(*)", *(f"count({quoted(name)})" for name in names)]
    kinds = [f"approx_count_distinct({quoted(name)})" for name in counted]
    row = con.execute(f"select {', '.join(parts + kinds)} from {_of(judged, entity)}").fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    rows, filled = row[0], dict(zip(names, row[1 : len(parts)], strict=True))
    few = [name for name, kind in zip(counted, row[len(parts) :], strict=True) if kind <= MOST_VALUES]
    values = _histograms(con, judged, entity, few)
    return EntityFigures(
        rows=rows,
        columns={
            name: ColumnFigures(
                rows=rows, missing=rows - filled[name], values=values.get(name), is_score=name in scores
            )
            for name in names
        },
    )


def _is_category(contract: Contract, name: str) -> bool:
    return contract.columns[name].type in ("code", "boolean")


def _histograms(
    con: duckdb.DuckDBPyConnection, judged: Judged, entity: str, names: list[str]
) -> dict[str, dict[str, int]]:
    if not names:
        return {}
    parts = ", ".join(f"histogram({quoted(name)}::varchar)" for name in names)
    row = con.execute(f"select {parts} from {_of(judged, entity)}").fetchone() or ()
    return {name: dict(sorted((found or {}).items())) for name, found in zip(names, row, strict=True)}


def _answers(con: duckdb.DuckDBPyConnection, judged: Judged) -> EntityFigures:
    """Answers by question: whoever gave none to a question lacks it, also where nobody did."""
    people = con.execute(f"select count(distinct record) from {_of(judged, _ANSWERS)}").fetchone() or (0,)
    found = con.execute(
        f"""select question_id, count(*), histogram(answer_value::double), count(distinct answer_value)
            from {_of(judged, _ANSWERS)} and question_id is not null group by question_id order by question_id"""
    ).fetchall()
    asked = judged.loaded.source.feeds[judged.batch.feed].entities[_ANSWERS].questionnaire
    questions = judged.loaded.source.questionnaires[asked].questions if asked else ()
    columns = {one.id: ColumnFigures(rows=people[0], missing=people[0], values={}, is_score=True) for one in questions}
    for question, rows, histogram, kinds in found:
        values = {f"{value:g}": count for value, count in sorted((histogram or {}).items())}
        columns[question] = ColumnFigures(
            rows=people[0],
            # An item that stands twice in a record is no reason to be below zero.
            missing=max(people[0] - rows, 0),
            values=values if kinds <= MOST_VALUES else None,
            is_score=True,
        )
    return EntityFigures(rows=sum(rows for _, rows, _, _ in found), columns=columns)
