"""What is built where something has changed."""

from __future__ import annotations

from include.development.dbt_on_changes import RENDERED_FROM_METRICS, selection_of


def test_changed_models_are_built_with_what_depends_on_them_and_sources_are_not() -> None:
    assert selection_of(["metrics.marts.fct_ticket", "source:metrics.control.as_of", "unit_test:metrics.a"]) == [
        "metrics.marts.fct_ticket+"
    ]
    assert selection_of([]) == []


def test_a_changed_metric_builds_the_models_that_are_rendered_from_it() -> None:
    for changed in ("metric:metrics.nps", "semantic_model:metrics.tickets"):
        assert selection_of([changed]) == [RENDERED_FROM_METRICS]
