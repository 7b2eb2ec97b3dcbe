"""`fct_metric_period` over facts of any size, by as many metrics, segments and grains as a time is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from benchmarks.warehouse import home as warehouse
from include import files

METRICS = 40
SEGMENTS = ("channel", "channel_group", "region", "product_line", "issue_type", "team", "tier", "customer_type")
GRAINS = ("day", "week", "month", "quarter")
# DuckDB's bound is of what it manages; the process holds some 800 more.
BUILD_MEMORY_MB = 1000


def share_of_project(home: Path) -> Path:
    """A copy of the dbt project that publishes METRICS metrics, evenly spread over those that have all SEGMENTS."""
    copy = home / "dbt_project"
    files.remove(copy)
    shutil.copytree(warehouse.PROJECT, copy)
    parsed = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in copy.rglob("*__metrics.yml")}
    published = [
        (metric, metric["config"]["meta"])
        for one in parsed.values()
        for metric in one.get("metrics") or []
        if metric["config"]["meta"].get("tidy", True)
    ]
    fitting = sorted(metric["name"] for metric, meta in published if _fits(meta))
    chosen = {fitting[number * len(fitting) // METRICS] for number in range(METRICS)}
    for metric, meta in published:
        if metric["name"] in chosen:
            meta |= {"valid_dimensions": list(SEGMENTS), "grains": list(GRAINS)}
        else:
            meta["tidy"] = False
    for path, one in parsed.items():
        path.write_text(yaml.safe_dump(one, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return copy


def _fits(meta: dict[str, Any]) -> bool:
    return set(SEGMENTS) <= set(meta["valid_dimensions"]) and set(GRAINS) <= set(meta.get("grains", GRAINS))


def prepare(home: Path) -> None:
    """Build those facts that the home's warehouse, in which survey marts are, does not have yet."""
    warehouse.build_missing(home, "+fct_metric_period", "fct_metric_period")


def publish(home: Path) -> Callable[[], None]:
    """The published metrics, from facts and a dictionary that are there."""
    project = share_of_project(home)
    warehouse.dbt(home, "run", "--select", "dim_metric", project=project)()
    return warehouse.dbt(home, "run", "--select", "fct_metric_period", project=project, memory_mb=BUILD_MEMORY_MB)
