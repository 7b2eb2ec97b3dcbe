"""Imports point one way (dags → plugins → include → expectations)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

# What may import what, by the first part of a module's name.
LAYERS = {
    "dags": {"service_metrics", "include"},
    "plugins": {"service_metrics", "include"},
    "include": {"include", "expectations"},
    "expectations": {"expectations"},
}
OURS = {"dags", "plugins", "service_metrics", "include", "expectations", "tests"}
# GX finds its classes by name, so expectations know GX; nobody but the lowest layer may be imported by them.
AIRFLOW = {"airflow"}
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "tools"}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def test_every_layer_has_modules() -> None:
    for layer in LAYERS:
        assert modules(layer), layer


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    faults = [
        f"{path.relative_to(PROJECT_ROOT)} imports {name}"
        for path in modules(layer)
        for name in imported(path)
        if name.split(".")[0] in OURS - LAYERS[layer]
    ]
    assert not faults


def test_include_and_expectations_know_no_airflow() -> None:
    faults = [
        f"{path.relative_to(PROJECT_ROOT)} imports {name}"
        for path in modules("include", "expectations")
        for name in imported(path)
        if name.split(".")[0] in AIRFLOW
    ]
    assert not faults


def test_dag_files_hold_only_wiring() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in modules("dags")}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 120} == {}


def test_modules_are_named_by_their_duty() -> None:
    assert [path for path in modules("dags", "plugins", "include", "expectations") if path.stem in VAGUE] == []
