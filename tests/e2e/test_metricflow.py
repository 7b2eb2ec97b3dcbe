"""MetricFlow's own command accepts the metrics on the published warehouse, and finds a column that isn't there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from include.warehouse.publish import serve_file
from tests.e2e.conftest import Night

pytestmark = [pytest.mark.nightly, pytest.mark.xdist_group("published_night"), pytest.mark.timeout(900)]


def validate_configs(night: Night, project: Path) -> subprocess.CompletedProcess[str]:
    """Parse the project and run `mf validate-configs` in it, on a copy of the published file."""
    copy = project.parent / "warehouse.duckdb"
    shutil.copyfile(serve_file(night.home), copy)
    environment = {
        **os.environ,
        "METRICS_WAREHOUSE_FILE": str(copy),
        "METRICS_WAREHOUSE_INPUTS": str(night.home / "warehouse" / "inputs"),
        "METRICS_TIMEZONE": "Asia/Shanghai",
        "DBT_PROFILES_DIR": str(project),
        "DO_NOT_TRACK": "1",
    }
    tools = Path(sys.executable).parent
    subprocess.run([tools / "dbt", "parse", "--quiet"], cwd=project, env=environment, check=True)
    return subprocess.run(
        [tools / "mf", "validate-configs"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project"))


def test_validate_configs_accepts_every_metric(night: Night, project: Path) -> None:
    done = validate_configs(night, project)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0") == 6


def test_validate_configs_finds_a_column_that_is_not_there(night: Night, project: Path) -> None:
    path = project / "models" / "metrics" / "_tickets__metrics.yml"
    text = path.read_text(encoding="utf-8")
    assert "first_response_minutes" in text
    path.write_text(text.replace("first_response_minutes", "first_reply_minutes"), encoding="utf-8")
    done = validate_configs(night, project)
    assert "first_reply_minutes" in done.stdout
    assert "ERRORS: 0, FUTURE_ERRORS: 0" not in done.stdout.rsplit("Validating measures", maxsplit=1)[-1]
