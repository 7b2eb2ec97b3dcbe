"""The dictionary of metrics as a page: a reader of either language finds the same there."""

from __future__ import annotations

from typing import Any

from include.development.generated_pages import metrics_page
from include.development.rules_page import rules_page
from include.gate.rules import load_rules

ROW: dict[str, Any] = {
    "metric": "reopened_tickets",
    "name_zh": "重开工单数",
    "name_en": "Tickets reopened",
    "description": "Tickets that were reopened\nat least once.",
    "description_zh": "至少重开一次的工单数。",
    "formula": "sum(x) / nullif(sum(y), 0)",
    "numerator": "sum(x)",
    "denominator": None,
    "unit": "share",
    "direction": "lower_is_better",
    "grain": "week, snapshot",
    "valid_dimensions": "region, own_cut",
    "interval_method": "wilson",
    "min_n": 30,
    "maturity_days": None,
    "target": None,
    "source": "fct_ticket",
    "owner": "somebody",
    "requirement": "OP-11",
}


def test_a_metric_is_told_in_both_languages() -> None:
    text = metrics_page([ROW])
    assert "## Operational · 运营" in text
    entry = text.split("### ")[1]
    assert entry.splitlines() == [
        "重开工单数 · Tickets reopened",
        "",
        "`reopened_tickets`: Tickets that were reopened at least once.",
        "",
        "至少重开一次的工单数。",
        "",
        "- Formula · 公式: `sum(x) / nullif(sum(y), 0)`",
        "- Numerator · 分子: `sum(x)`",
        "- Unit · 单位: share, shown in percent · 占比（以百分比显示）",
        "- Direction · 方向: lower is better · 越低越好",
        "- Grains · 粒度: week, snapshot · 周、批次时点的全部已知数据",
        "- Segments · 维度: region, own_cut · 区域、own cut",
        "- Interval · 区间: Wilson, 95 % · Wilson，95%",
        "- Smallest base · 最小基数: 30",
        "- Read from · 数据来源: `fct_ticket`",
        # an installation's own code has no words
        "- Owner · 负责部门: somebody",
    ]


def test_a_metric_that_nobody_translated_is_told_in_one() -> None:
    entry = metrics_page([ROW | {"description_zh": None}]).split("### ")[1]
    assert entry.splitlines()[2:5] == [
        "`reopened_tickets`: Tickets that were reopened at least once.",
        "",
        "- Formula · 公式: `sum(x) / nullif(sum(y), 0)`",
    ]


def test_every_rule_is_told_in_both_languages() -> None:
    text = rules_page()
    for entity, rules in [*load_rules().by_entity.items(), ("batch", load_rules().of_batches)]:
        for rule in rules:
            name = rule.id if f"| `{rule.id}` |" in text else rule.id.removeprefix(f"{entity}_")
            line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
            assert f"{rule.words('en')}<br>{rule.words('zh')}".replace("|", "\\|") in line
            assert f"| {rule.requirement} |" in line
    careless = next(line for line in text.splitlines() if line.startswith("| `survey_response_careless` |"))
    assert "| CL-9 | Not counted · 不计分 | least_signs 2, share_of_median 0.3333," in careless
    assert "| `fast` | `relative_speed < 0.3333`<br>`_seconds_per_rating < 2` |" in text
    covered = {line.split()[1]: line for line in text.splitlines() if line.startswith("| CL-")}
    assert list(covered) == [f"CL-{n}" for n in range(1, 11)]
    assert all("`" in line.split("|")[2] for line in covered.values())
