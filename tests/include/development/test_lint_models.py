"""The whole project read once, with a fault of each kind planted; and the proof that every convention was checked."""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from include.development import lint_models as lint_module
from include.development.lint_models import Finding, lint_models
from include.development.model_conventions import _unchecked
from include.warehouse.build import PROJECT

BADLY_NAMED = "models/intermediate/service/ticket_stuff.sql"


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What is found in a copy of the project with planted faults."""
    project = tmp_path_factory.mktemp("planted") / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / BADLY_NAMED).write_text("select batch_id from {{ source('control', 'batch') }}\n", encoding="utf-8")
    region = project / "models" / "marts" / "core" / "dim_region.sql"
    text = region.read_text(encoding="utf-8").rstrip()
    assert text.endswith("select * from final")
    region.write_text(f"{text}\nqualify row_number() over (partition by region_key) = 1\n", encoding="utf-8")
    with (project / "interface.yml").open("a", encoding="utf-8") as record:
        record.write("marts.dim_moon: {moon_key: bigint}\n")
    return {finding.name: finding for finding in lint_models(project)}


def test_a_badly_named_model_that_reads_a_source_without_a_word_is_found(findings: dict[str, Finding]) -> None:
    faults = findings["conventions"].faults
    names = {fault.split(":")[0] for fault in faults}
    assert names >= {
        "check_model_names",
        "check_lineage_source_cannot_be_used",
        "check_model_has_properties_file",
        "check_model_description_contains_regexp_pattern",
    }
    assert [fault for fault in faults if "ticket_stuff" not in fault] == []
    assert int(findings["conventions"].looked_at.split()[0]) > 1000


def test_a_qualify_is_found_in_compiled_sql_and_what_macros_write_is_not(findings: dict[str, Finding]) -> None:
    assert [re.split("[:;]", fault)[:2] for fault in findings["common dialect"].faults] == [
        ["dim_region", " Qualify"],
        ["ticket_stuff", " function READ_PARQUET"],
    ]


def test_a_mart_that_readers_rely_on_and_that_is_gone_is_found(findings: dict[str, Finding]) -> None:
    assert findings["interface"].faults == ["marts.dim_moon is gone, and readers rely on it"]


def test_the_generated_pages_are_fresh(findings: dict[str, Finding]) -> None:
    """None of the planted faults shows in a page, so they are those of the project as it is."""
    assert findings["generated pages"].faults == []


def test_faults_decide_the_exit_code_and_are_printed(
    findings: dict[str, Finding], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lint_module, "lint_models", lambda: list(findings.values()))
    assert lint_module.main() == 1
    assert "dim_region: Qualify" in capsys.readouterr().out

    monkeypatch.setattr(lint_module, "lint_models", lambda: [Finding("interface", "2 columns of 1 marts", [])])
    assert lint_module.main() == 0
    assert capsys.readouterr().out == "✓ interface: 2 columns of 1 marts\n"


def model(name: str, path: str, *columns: str) -> Any:
    return SimpleNamespace(
        name=name,
        original_file_path=path,
        columns=dict.fromkeys(columns),
        resource_type="model",
        package_name="service_metrics",
    )


def test_a_convention_that_met_too_few_models_or_no_column_is_told() -> None:
    models = [model("fct_a", "models/marts/fct_a.sql", "a_key"), model("stg_a", "models/staging/stg_a.sql")]
    manifest = SimpleNamespace(nodes={one.name: one for one in models})
    entries = [
        {"name": "check_model_access", "include": "^models/marts"},
        {"name": "check_model_access", "include": "^models/mart_"},
        {"name": "check_model_names"},
        {"name": "check_model_column_names", "include": "^models/marts", "column_name_pattern": "_keys$"},
        {"name": "check_seed_description_populated"},
    ]  # fmt: skip
    ran = ["check_model_access:0:fct_a", "check_model_names:2:fct_a", "check_model_column_names:3:fct_a"]

    assert _unchecked(manifest, entries, [{"check_run_id": one} for one in ran]) == [
        "check_model_access (^models/mart_) checked 0 models of 0",
        "check_model_names (all) checked 1 models of 2",
        "check_model_column_names (^models/marts): no column matches _keys$",
        "check_seed_description_populated (all) checked nothing",
    ]
