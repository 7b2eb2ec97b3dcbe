"""Every index of a response against plain Python, on generated answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gate.judging import open_tables
from include.gate.rules import load_rules
from include.gate.survey_indices import Usual, add_indices
from include.sources.schema import Question
from include.survey_quality.norms import Norms

Answers = Sequence[int | None]
ITEMS = 12
# Four blocks of three items on 1-5; the last item of each is reverse-keyed.
QUESTIONS = [
    Question(id=f"s.q{n}", headers=[f"q{n}"], block=f"b{n // 3}", scale=(1, 5), reverse_keyed=n % 3 == 2)
    for n in range(ITEMS)
]
ONE_BLOCK = [question.model_copy(update={"block": "all"}) for question in QUESTIONS]
COLUMNS = "longest_run, irv, even_odd, mahalanobis, psychometric_synonyms"


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables of responses and answers."""
    with duckdb.connect() as con:
        open_tables(con, ["survey_response", "survey_answer"])
        yield con


def indices(
    con: duckdb.DuckDBPyConnection,
    rows: Sequence[Answers],
    questions: Sequence[Question] = QUESTIONS,
    norms: Norms | None = None,
    columns: str = COLUMNS,
) -> list[tuple[float | None, ...]]:
    """The computed columns of responses, one per row of answers."""
    con.execute("delete from m_survey_response; delete from m_survey_answer; delete from survey_block")
    for record, row in enumerate(rows, start=1):
        con.execute(
            "insert into m_survey_response by name select 1 as batch_no, ?::bigint as row_id, ?::bigint as record, "
            "'s' as survey_id, true as _is_usable, 60 as duration_seconds",
            [record, record],
        )
        given = [(record, q.id, answer) for q, answer in zip(questions, row, strict=True) if answer is not None]
        if given:
            values = ", ".join(f"({r}, '{q}', {a})" for r, q, a in given)
            con.execute(
                "insert into m_survey_answer by name select 1 as batch_no, record, question_id, answer_value, "
                f"false as is_not_applicable from (values {values}) v(record, question_id, answer_value)"
            )
    add_indices(con, 1, questions, Usual({}, norms), load_rules().with_signs())
    return con.execute(f"select {columns} from m_survey_response order by record").fetchall()


def longest_run(row: Answers) -> int | None:
    """Longest run of one answer; a missing one is a run of its own."""
    best, run = 0, 0
    for place, answer in enumerate(row):
        same = place > 0 and answer is not None and answer == row[place - 1]
        run = run + 1 if same else 1
        best = max(best, run)
    return best if any(answer is not None for answer in row) else None


def even_odd(row: Answers, block: int = 3) -> float | None:
    """Even-odd consistency over blocks; the last item of each is reverse-keyed."""
    pairs = []
    for start in range(0, len(row), block):
        part = [
            None if answer is None else 6 - answer if place == block - 1 else answer
            for place, answer in enumerate(row[start : start + block])
        ]
        odd, even = ([one for one in part[side::2] if one is not None] for side in (0, 1))
        if odd and even:
            pairs.append((mean(odd), mean(even)))
    r = correlation(pairs)
    return r if r is None else max(-1.0, 2 * r / (1 + r)) if r > -1 else -1.0


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's correlation; None for fewer than three pairs or a side without variation."""
    if len(pairs) < 3 or any(len({round(pair[side], 9) for pair in pairs}) == 1 for side in (0, 1)):
        return None
    return float(np.corrcoef([one for one, _ in pairs], [two for _, two in pairs])[0, 1])


def same(found: float | None, expected: float | None) -> bool:
    """Whether two figures are the same, or both none."""
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)


answer = st.one_of(st.none(), *[st.integers(1, 5)] * 6)
persons = st.lists(st.lists(answer, min_size=ITEMS, max_size=ITEMS), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(rows=persons)
def test_runs_variability_and_halves_are_those_of_plain_python(
    tables: duckdb.DuckDBPyConnection, rows: list[Answers]
) -> None:
    found = indices(tables, rows, ONE_BLOCK)
    for row, one in zip(rows, found, strict=True):
        given_answers = [answer for answer in row if answer is not None]
        assert one[0] == longest_run(row)
        assert same(one[1], stdev(given_answers) if len(given_answers) > 1 else None)
        assert one[2] is None, "one block has no halves to compare"
    for row, one in zip(rows, indices(tables, rows), strict=True):
        assert one[0] == (max(longest_run(row[n : n + 3]) or 0 for n in range(0, ITEMS, 3)) or None)
        assert same(one[2], even_odd(row))


def people(count: int, seed: int = 7) -> list[list[int]]:
    """People with a level per block of three items (the last one reverse-keyed), and some noise."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.normal(3, 1.1, (count, ITEMS // 3)), 3, axis=1)
    block = np.clip(np.round(levels + rng.normal(0, 0.5, (count, ITEMS))), 1, 5).astype(int)
    block[:, 2::3] = 6 - block[:, 2::3]
    return [[int(one) for one in row] for row in block]


def test_distance_and_synonyms_are_those_of_numpy(tables: duckdb.DuckDBPyConnection) -> None:
    """Mean and covariance (n-1) of the complete answers; pairs that correlate over .60 in them."""
    rows: list[Answers] = [*people(60), [5] * ITEMS, [None, *[3] * (ITEMS - 1)]]
    found = indices(tables, rows)
    complete = np.array([row for row in rows if None not in row], dtype=float)
    centred = complete - complete.mean(axis=0)
    covariance = np.cov(complete.T)
    expected = np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred)
    assert [one[3] for one in found[:-1]] == pytest.approx(list(expected), rel=1e-9)
    assert found[-1][3] is None
    correlations = np.corrcoef(complete.T)
    pairs = [(i, j) for i in range(ITEMS) for j in range(i + 1, ITEMS) if correlations[i, j] > 0.6]
    assert len(pairs) == 4, "the two items of each block that point the same way"
    for row, one in zip(rows, found, strict=True):
        known = [(row[i], row[j]) for i, j in pairs]
        assert same(one[4], correlation([(a, b) for a, b in known if a is not None and b is not None]))


def test_too_few_cases_or_a_singular_covariance_have_no_distance(tables: duckdb.DuckDBPyConnection) -> None:
    """Two cases per item are needed, of which no item is made of others."""
    assert {one[3] is None for one in indices(tables, people(2 * ITEMS - 1))} == {True}
    assert {one[3] is None for one in indices(tables, people(2 * ITEMS))} == {False}
    copied = [[*row[:-1], row[0]] for row in people(60)]
    assert all(one[3] is None for one in indices(tables, copied))
    constant = [[3, *row[1:]] for row in people(60)]
    assert all(one[3] is None for one in indices(tables, constant))


def test_an_answer_off_its_scale_is_compared_with_nothing(tables: duckdb.DuckDBPyConnection) -> None:
    rows: list[Answers] = [*people(40), [50, *[3] * (ITEMS - 1)]]
    found = indices(tables, rows)
    assert found[-1][3] is None
    assert [one[3] for one in found[:-1]] == pytest.approx([one[3] for one in indices(tables, rows[:-1])])


def test_the_norms_of_the_context_hold_before_those_of_the_delivery(tables: duckdb.DuckDBPyConnection) -> None:
    """Few people are measured by many; norms of other questions are none, those of more questions are enough."""
    indices(tables, people(60))
    norms = add_indices(tables, 1, QUESTIONS, Usual({}, None), None)
    assert norms is not None
    assert norms.cases == 60
    alone = indices(tables, people(60)[:3], norms=norms)
    assert [one[3] for one in alone] == pytest.approx([one[3] for one in indices(tables, people(60))[:3]])
    fewer = [row[1:] for row in people(60)[:3]]
    assert all(one[3] is not None for one in indices(tables, fewer, QUESTIONS[1:], norms))
    assert norms.of(["s.q0", "unknown"]) is None
    part = norms.of(["s.q5", "s.q1"])
    assert part is not None
    assert np.allclose(part.covariance, norms.covariance[np.ix_([5, 1], [5, 1])])


def test_the_score_is_the_share_of_signs_that_are_not_shown(tables: duckdb.DuckDBPyConnection) -> None:
    """Signs: fast, no variation, unusual, inconsistent. The last is judged where halves vary, or by three groups."""
    columns = "careless_sign_count, quality_score, _careless_signs, _synonym_group_count"
    careful = [2, 2, 4, 4, 4, 2, 3, 3, 3, 5, 5, 1]
    clicked = [3] * ITEMS
    erratic = [5, 1, 5, 1, 5, 1, 5, 1, 5, 1, 5, 1]
    rows: list[Answers] = [*people(60), careful, clicked, erratic, [None] * ITEMS]
    found = indices(tables, rows, columns=columns)[60:]
    assert found[0] == (0, 100.0, None, 3)
    assert found[1][:3] == (1, pytest.approx(100 * 2 / 3), "no_variation"), "without variation halves say nothing"
    assert found[2][:3] == (2, 50.0, "unusual, inconsistent")
    assert found[3][:3] == (None, None, None), "nothing can be judged"
    assert indices(tables, [[3] * ITEMS], columns=columns) == [(1, 50.0, "no_variation", 0)]
