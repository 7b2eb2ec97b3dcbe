"""The pages of `docs/` that are written from what they describe: metrics, marts, rules, settings (`make docs`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from include.development.compiled_models import project_models
from include.development.rules_page import rules_page
from include.reporting.words import Kind, is_named, named, word
from include.settings import PROJECT_ROOT, Settings

FOLDER = PROJECT_ROOT / "docs"
_NOTE = "<!-- Written by `make docs`; change what it is written from, not this page. -->\n\n"
_LAYERS = (("ST", "Strategic · 战略"), ("OP", "Operational · 运营"), ("EX", "Experience · 体验"), ("", "Other · 其他"))


def generated_pages(manifest: Any, compiled: Mapping[str, str]) -> dict[Path, str]:
    """The text of every generated page, by path."""
    return {
        FOLDER / "metrics.md": metrics_page(dictionary_rows(compiled["dim_metric"])),
        FOLDER / "marts.md": marts_page(project_models(manifest), dict(manifest.nodes)),
        FOLDER / "rules.md": rules_page(),
        FOLDER / "settings.md": settings_page((PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")),
    }


def stale_pages(pages: Mapping[Path, str]) -> list[str]:
    """Pages that are not what `make docs` would write."""
    return [path.name for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def dictionary_rows(dim_metric_sql: str) -> list[dict[str, Any]]:
    """The rows of `metrics.dim_metric`: its SQL holds nothing but what the semantic YAML says."""
    with duckdb.connect() as con:
        result = con.execute(dim_metric_sql)
        names = [column[0] for column in result.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return sorted(rows, key=lambda row: str(row["metric"]))


def metrics_page(rows: Iterable[Mapping[str, Any]]) -> str:
    """The dictionary of metrics, in both languages, by layer."""
    layers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    prefixes = [prefix for prefix, _ in _LAYERS]
    for row in rows:
        prefix = str(row["requirement"] or "").split("-")[0]
        layers[prefix if prefix in prefixes else ""].append(row)
    text = [
        "# Metrics · 指标\n\n",
        _NOTE,
        "One home for each definition: the semantic YAML in `dbt_project/models/metrics/`. `metrics.dim_metric` and\n",
        "`metrics.fct_metric_period` are rendered from it. A ratio's parts stand beside it in the fact; a value that\n",
        "can't be known is null with a reason.\n\n",
        "每个指标只有一处定义，即 `dbt_project/models/metrics/` 的语义 YAML；`metrics.dim_metric` 与\n",
        "`metrics.fct_metric_period` 均由它生成。比率的分子、分母同列于事实表；无法得知的值为空并附原因。\n",
    ]
    for prefix, title in _LAYERS:
        if layers[prefix]:
            text.append(f"\n## {title}\n")
            text += [_metric(row) for row in layers[prefix]]
    return "".join(text)


def _metric(row: Mapping[str, Any]) -> str:
    """An entry of the dictionary: what a reader of either language needs to know of one metric."""
    facts = [
        ("Formula · 公式", _code(row["formula"])),
        ("Numerator · 分子", _code(row["numerator"])),
        ("Denominator · 分母", _code(row["denominator"])),
        ("Unit · 单位", _both("unit", row["unit"])),
        ("Direction · 方向", _both("direction", row["direction"])),
        ("Grains · 粒度", _listed("grain", row["grain"])),
        ("Segments · 维度", _listed("segment", row["valid_dimensions"])),
        ("Interval · 区间", _both("interval", row["interval_method"])),
        ("Smallest base · 最小基数", row["min_n"]),
        ("Days to maturity · 成熟天数", row["maturity_days"]),
        ("Target · 目标", row["target"]),
        ("Read from · 数据来源", _code(row["source"])),
        ("Owner · 负责部门", _both("owner", row["owner"])),
    ]
    head = f"\n### {row['name_zh']} · {row['name_en']}\n\n`{row['metric']}`: {_line(row['description'])}\n\n"
    if row["description_zh"]:
        head += f"{_line(row['description_zh'])}\n\n"
    return head + "".join(f"- {title}: {value}\n" for title, value in facts if value not in (None, ""))


def _both(kind: Kind, code: str | None) -> str | None:
    """A code in both languages; one without words of its own stands as it is."""
    if not code or not is_named(kind, code):
        return code
    return f"{named('en', kind, code)} · {named('zh', kind, code)}"


def _listed(kind: Kind, codes: str | None) -> str:
    """Codes as SQL has them, and in Chinese."""
    listed = [code.strip() for code in (codes or "").split(",") if code.strip()]
    if not listed:
        return ""
    return f"{', '.join(listed)} · {word('zh', 'in_list').join(named('zh', kind, code) for code in listed)}"


def marts_page(models: Iterable[Any], nodes: Mapping[str, Any]) -> str:
    """Every public mart: grain, columns, types, words."""
    by_schema: dict[str, list[Any]] = defaultdict(list)
    for node in models:
        if node.access == "public":
            by_schema[node.schema].append(node)
    text = [
        "# Marts · 数据集市\n\n",
        _NOTE,
        "Tables of `warehouse/serve/warehouse.duckdb` that readers may rely on: their contracts are enforced, and\n",
        "`dbt_project/interface.yml` records them.\n\n",
        "`warehouse/serve/warehouse.duckdb` 中供使用者依赖的表：结构由契约强制，并记录于\n",
        "`dbt_project/interface.yml`。\n",
    ]
    for schema in sorted(by_schema):
        text.append(f"\n## {schema}\n")
        for node in by_schema[schema]:
            text.append(f"\n### {schema}.{node.name}\n\n{_line(node.description)}\n\n")
            parents = sorted(
                f"`{parent.name}`" for key in node.depends_on.nodes if (parent := nodes.get(key)) is not None
            )
            if parents:
                text.append(f"Built from {', '.join(parents)}.\n\n")
            text.append("| column · 列 | type · 类型 | meaning · 含义 |\n| --- | --- | --- |\n")
            for name, column in node.columns.items():
                text.append(f"| {name} | {column.data_type} | {_cell(column.description)} |\n")
    return "".join(text)


def settings_page(example: str) -> str:
    """Every setting, with what `.env.example` says of it: there each stands with its default."""
    text = [
        "# Settings · 设置\n\n",
        _NOTE,
        "From the environment, else from `.env`, or on the command line: `make run METRICS_LANGUAGE=zh`.\n\n",
        "| setting | default | meaning |\n| --- | --- | --- |\n",
    ]
    said: list[str] = []
    defaults = {}
    ended = False
    for line in example.splitlines():
        if line.startswith("#METRICS_"):
            name, _, default = line[1:].partition("=")
            defaults[name] = (default, " ".join(said))
            ended = True
        elif line.startswith("#"):
            if ended:
                said, ended = [], False
            said.append(line[1:].strip())
        else:
            said, ended = [], False
    for field in Settings.model_fields:
        name = f"METRICS_{field.upper()}"
        default, meaning = defaults[name]
        text.append(f"| `{name}` | {_code(default) or ''} | {_cell(meaning)} |\n")
    return "".join(text)


def _code(value: Any) -> str | None:
    return f"`{' '.join(str(value).split())}`" if value not in (None, "") else None


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
