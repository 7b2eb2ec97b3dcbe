"""The share of the metrics that is measured: as many as asked, by the product's own macros."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.warehouse import metrics


def test_the_share_has_forty_metrics_by_eight_segments_and_four_grains(tmp_path: Path) -> None:
    project = metrics.share_of_project(tmp_path)
    published = [
        metric["config"]["meta"]
        for path in project.rglob("*__metrics.yml")
        for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics") or []
        if metric["config"]["meta"].get("tidy", True)
    ]
    assert len(published) == metrics.METRICS == 40
    assert {tuple(meta["valid_dimensions"]) for meta in published} == {metrics.SEGMENTS}
    assert {tuple(meta["grains"]) for meta in published} == {metrics.GRAINS}
    assert (len(metrics.SEGMENTS), len(metrics.GRAINS)) == (8, 4)
    # scores of surveys are among them, with intervals of every kind
    assert {"wilson", "nps", "mean"} <= {meta.get("interval") for meta in published}
