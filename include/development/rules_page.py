"""`docs/rules.md`: what is fit to count, in both languages, from the rule files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import yaml

from include.contracts import load_contracts
from include.gate.batch_rules import ENTITY as BATCH
from include.gate.batch_rules import BatchRule
from include.gate.rules import FOLDER, Rule, RuleSet, load_rules
from include.reporting.audit.words import entity_name, named, say
from include.reporting.words import LANGUAGES

# What each requirement is about, and what of it is met where no rule can: after the gate, or over whole deliveries.
_REQUIREMENTS = {
    "CL-1": ("straight-lining", "直线作答", ""),
    "CL-2": ("speed", "作答过快", "a third of the median with another sign · 中位数三分之一且另有迹象: CL-9"),
    "CL-3": ("duplicates", "重复", "versions · 版本: staging; one person under two keys · 跨键同一人: `dim_customer`"),
    "CL-4": ("missing values", "缺失", "optional gaps · 选答漏答: `optional_gap_count`"),
    "CL-5": ("contradictions", "矛盾", ""),
    "CL-6": ("range and scale", "取值与量表", ""),
    "CL-7": ("references", "引用", "inferred members · 推断成员: `is_inferred`"),
    "CL-8": ("extreme cases", "极端个案", ""),
    "CL-9": ("careless answers", "敷衍作答", "indices · 各指数: columns of `fct_survey_response`"),
    "CL-10": ("volume, freshness, drift", "数量、时效与漂移", ""),
    "IN-1": ("mapping", "字段映射", ""),
    "IN-6": ("bad input", "异常输入", ""),
}


def rules_page() -> str:
    """The text of the page."""
    rules = load_rules()
    shared = _shared_rules()
    text = [
        "# Rules · 规则\n\n<!-- Written by `make docs`; change what it is written from, not this page. -->\n\n",
        "`expectations/rules/*.yml` alone decides what is fit to count; Great Expectations runs it.\n",
        f"{say('en', 'verdicts_say')}\n\n",
        "`expectations/rules/*.yml` 是数据能否计入的唯一依据，由 Great Expectations 执行。\n",
        f"{say('zh', 'verdicts_say')}\n\n",
        "## Requirements × entities · 要求与实体\n\n",
        "| requirement · 要求 | rules of · 规则 | met elsewhere · 其他环节 |\n| --- | --- | --- |\n",
        *_coverage(rules, shared),
        "\n## Every entity · 所有实体\n\nEach id has the entity's name before it. 编号前加实体名。\n\n",
        *_table(shared),
    ]
    ids = {f"{entity}_{rule.id}" for rule in shared for entity in rules.by_entity}
    for entity, found in rules.by_entity.items():
        own = [rule for rule in found if rule.id not in ids]
        if own:
            name = load_contracts()[entity].name
            text += [f"\n## {name['en']} · {name['zh']} (`{entity}`)\n\n", *_table(own)]
            text += [line for rule in own if rule.signs for line in _signs(rule)]
    text += [
        f"\n## {entity_name('en', BATCH)} · {entity_name('zh', BATCH)}\n\n",
        "Its figures are held against what its feed usually brings, by `include/gate/drift.py`\n",
        "([sources.md](sources.md#volume-freshness-and-drift)). 各项数字与该数据流平常的交付比较。\n\n",
        *_table(rules.of_batches),
    ]
    return "".join(text)


def _shared_rules() -> list[Rule]:
    content = yaml.safe_load((FOLDER / "every_entity.yml").read_text(encoding="utf-8"))
    return [Rule.model_validate(rule) for rule in content["rules"]]


def _coverage(rules: RuleSet, shared: Sequence[Rule]) -> list[str]:
    """Per requirement: which entities have how many rules for it."""
    ids = {f"{entity}_{rule.id}" for rule in shared for entity in rules.by_entity}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for rule in shared:
        counts[rule.requirement]["every entity · 所有实体"] += 1
    for entity, found in rules.by_entity.items():
        for rule in found:
            if rule.id not in ids:
                counts[rule.requirement][f"`{entity}`"] += 1
    for whole in rules.of_batches:
        counts[whole.requirement][f"`{BATCH}`"] += 1
    missing = counts.keys() - _REQUIREMENTS.keys()
    if missing:
        raise ValueError(f"rules serve requirements without words: {', '.join(sorted(missing))}")
    listed = {name: ", ".join(f"{entity} {count}" for entity, count in found.items()) for name, found in counts.items()}
    return [
        f"| {name} {en} · {zh} | {listed.get(name, '')} | {more} |\n" for name, (en, zh, more) in _REQUIREMENTS.items()
    ]


def _table(rules: Sequence[Rule | BatchRule]) -> list[str]:
    """The rules of one entity, or about whole deliveries."""
    head = "| id | requirement · 要求 | verdict · 判定 | settings · 参数 | words · 说明 |\n"
    return [head, "| --- | --- | --- | --- | --- |\n", *(_row(rule) for rule in rules)]


def _row(rule: Rule | BatchRule) -> str:
    verdict = " · ".join(named(language, "verdict", rule.verdict) for language in LANGUAGES)
    settings = [f"{name} {value:g}" for name, value in rule.settings.items()]
    if isinstance(rule, Rule) and rule.holds:
        verdict += " (held · 暂留)"
    if isinstance(rule, Rule) and rule.stop_above is not None:
        settings.append(
            f"stops a delivery above · 超过则停止整批: {rule.stop_above:.0%} (rows · 行数 ≥ {rule.stop_from})"
        )
    words = f"{rule.words('en')}<br>{rule.words('zh')}".replace("|", "\\|")
    return f"| `{rule.id}` | {rule.requirement} | {verdict} | {', '.join(settings)} | {words} |\n"


def _signs(rule: Rule) -> list[str]:
    """The signs of a careless answer, and the score that they make."""
    return [
        f"\nSigns of a careless answer · 敷衍作答迹象 (`{rule.id}`).\n\n",
        "One is shown where one of its conditions holds, and can be judged where one of them is known.\n",
        "`quality_score` = 100 × (judged − shown) ÷ judged.\n\n",
        "任一条件成立即为出现，任一条件可知即为可判断；`quality_score` = 100 ×（可判断数 − 出现数）÷ 可判断数。\n\n",
        "| sign · 迹象 | conditions · 条件 | words · 说明 |\n| --- | --- | --- |\n",
        *(
            f"| `{name}` | {'<br>'.join(f'`{one}`' for one in conditions)} | "
            f"{rule.sign_words(name, 'en')}<br>{rule.sign_words(name, 'zh')} |\n"
            for name, conditions in rule.sign_conditions.items()
        ),
    ]
