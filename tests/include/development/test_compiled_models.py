"""Stand-ins for dispatched macros: what they write is not judged, what a model hands them is."""

from __future__ import annotations

from jinja2 import Environment

from include.development.common_dialect import faults_of
from include.development.compiled_models import stand_in


def written(macro_sql: str, call: str) -> str:
    text = stand_in(macro_sql, "duckdb__keyed", "keyed")
    return Environment(extensions=["jinja2.ext.do"]).from_string(f"{text}{{{{ {call} }}}}").render().strip()


def test_an_expression_becomes_a_call_over_its_arguments() -> None:
    macro = "{% macro duckdb__keyed(parts, salt='x') -%}\nlist_sort([{{ parts | join(', ') }}])\n{%- endmacro %}"

    sql = written(macro, "duckdb__keyed(['a.b', \"chr(1)\"], none)")

    assert sql == "dispatched_keyed(a.b, chr(1))"
    assert [fault.what for fault in faults_of(f"select {sql} as key from a")] == ["function CHR"]


def test_a_query_becomes_a_select() -> None:
    macro = "{% macro duckdb__keyed() %}\n  select unnest([1, 2]) as a\n{% endmacro %}"

    sql = written(macro, "duckdb__keyed()")

    assert sql == "select * from dispatched_keyed()"
    assert faults_of(f"select * from ({sql}) as days") == []
