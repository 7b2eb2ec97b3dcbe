"""`make release`: list what waits for a person, or take a decision about it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.commands import run_command
from include.contracts import load_contracts
from include.gate.decisions import Decision
from include.gate.releasing import Asked, DecisionError, take_decision
from include.gate.rules import load_rules
from include.gate.settled_files import STOPPED_WORDS
from include.gate.waiting import Waiting, waiting
from include.settings import as_of_date, load_settings

Language = Literal["en", "zh"]
_WORDS: dict[str, dict[Language, str]] = {
    "title": {"en": "What waits for a decision", "zh": "等待人工决定"},
    "nothing": {"en": "Nothing waits for a decision.", "zh": "没有等待决定的数据。"},
    "batch": {"en": "Batch", "zh": "批次"},
    "what": {"en": "What waits", "zh": "等待内容"},
    "rule": {"en": "Rule", "zh": "规则"},
    "rows": {"en": "Rows", "zh": "行数"},
    "nights": {"en": "Nights", "zh": "夜数"},
    "keys": {"en": "Some rows", "zh": "部分行（#行号 键值）"},
    "decided": {"en": "Decided", "zh": "已作决定"},
    "stopped": {"en": "the whole delivery, stopped", "zh": "整批数据，已拦截"},
    "unreadable": {"en": "the whole delivery, unreadable", "zh": "整批数据，无法读取"},
    "failed": {"en": "the whole delivery, failed", "zh": "整批数据，判定失败"},
    "release": {"en": "release", "zh": "释放"},
    "discard": {"en": "discard", "zh": "作废"},
    "from": {"en": "{verdict} ({who}), from the next night on", "zh": "{verdict}（{who}），自下一夜起生效"},
    "how": {
        "en": 'To decide: make release BATCH=… DECISION=release|discard WHO=… WHY="…" [RULE=…] [ROWS=1-5,9]',
        "zh": "作出决定：make release BATCH=… DECISION=release|discard WHO=… WHY=“…” [RULE=…] [ROWS=1-5,9]",
    },
    "decision": {"en": "{verdict} {what} of {batch}", "zh": "{verdict}批次 {batch} 的{what}"},
    "taken": {
        "en": "{id}: {decision}. It is in force from the first night after {night} on.",
        "zh": "{id}：{decision}。自 {night} 之后的第一夜起生效。",
    },
    "say_why": {
        "en": "Approve with a reason (why); it is kept with your name. Reject, and nothing changes.",
        "zh": "批准时请填写理由（why），将与您的姓名一并留存；驳回则不作任何改变。",
    },
    "whole": {"en": "the whole delivery", "zh": "全部数据"},
    "some": {"en": "rows {ranges} ({n} in all)", "zh": " {n} 行（{ranges}）"},
}
_SHOWN_RANGES = 80
_FILE_WIDTH = 160  # of a table that goes into a file or a pipe

app = typer.Typer(add_completion=False)


def print_waiting(console: Console, found: Sequence[Waiting], language: Language) -> None:
    """Print what waits as a table."""
    if not found:
        console.print(word(language, "nothing"))
        return
    table = Table(title=word(language, "title"), title_justify="left", show_lines=True)
    # What the command takes is copied from here: it is never cut off.
    longest_rule = max((len(one.rule_id) for one in found if one.entity), default=0)
    for name in ("batch", "what", "rule", "rows", "nights", "keys", "decided"):
        is_number = name in ("rows", "nights")
        table.add_column(
            word(language, name),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=name == "batch",
            min_width=longest_rule if name == "rule" else None,
        )
    for one in found:
        table.add_row(
            one.batch_id,
            escape(_what(one, language)),
            escape(_rule(one, language)),
            f"{one.rows:,}",
            f"{one.nights:,}",
            escape(", ".join(one.keys)),
            escape(_decided(one.decided, language)),
        )
    console.print(table)
    console.print(word(language, "how"), markup=False, soft_wrap=True)


def word(language: Language, name: str, /, **about: object) -> str:
    """A phrase in a language."""
    return _WORDS[name][language].format(**about)


def taken_words(decision: Decision, timezone: str, language: Language) -> str:
    """What was decided, and from when on it is in force."""
    night = as_of_date(decision.after, timezone).isoformat()
    return word(language, "taken", id=decision.decision_id, decision=decision_words(decision, language), night=night)


def decision_words(decision: Decision, language: Language) -> str:
    """What is decided about which rows."""
    what = word(language, "whole")
    if not decision.is_whole:
        ranges = "; ".join(f"{entity} {rows}" for entity, rows in decision.rows.items())
        ranges = ranges if len(ranges) <= _SHOWN_RANGES else ranges[:_SHOWN_RANGES] + "…"
        what = word(language, "some", n=f"{decision.row_count:,}", ranges=ranges)
    return word(language, "decision", verdict=word(language, decision.verdict), what=what, batch=decision.batch_id)


def _what(one: Waiting, language: Language) -> str:
    if one.entity is None:
        return word(language, one.status)
    contract = load_contracts().get(one.entity)
    return f"{contract.name[language]} ({one.entity})" if contract else one.entity


def _rule(one: Waiting, language: Language) -> str:
    """The rule's id, which RULE takes, and its words; of a whole delivery why it waits."""
    if one.entity is None:
        return one.message or STOPPED_WORDS[language]
    words = next((rule.words(language) for rule in load_rules().by_entity[one.entity] if rule.id == one.rule_id), "")
    return f"{one.rule_id}\n{words}".strip()


def _decided(decisions: Iterable[Decision], language: Language) -> str:
    return "\n".join(word(language, "from", verdict=word(language, one.verdict), who=one.who) for one in decisions)


@app.command()
def release(
    batch: Annotated[str, typer.Option(help="the batch; without any option: list what waits")] = "",
    decision: Annotated[str, typer.Option(help="release or discard")] = "",
    who: Annotated[str, typer.Option(help="who decides")] = "",
    why: Annotated[str, typer.Option(help="and why")] = "",
    rule: Annotated[str, typer.Option(help="only the rows that wait by this rule")] = "",
    rows: Annotated[str, typer.Option(help="only these row numbers, as 1-5,9")] = "",
) -> None:
    """List what waits for a person, or take a decision about it."""
    settings = load_settings()
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_FILE_WIDTH)
    if not batch:
        if any((decision, who, why, rule, rows)):
            raise DecisionError("BATCH is missing: name the delivery that the decision is about")
        print_waiting(console, waiting(settings.home), settings.language)
        return
    taken = take_decision(settings, Asked(batch, decision, who, why, rule or None, rows or None))
    said = taken_words(taken, settings.timezone, settings.language)
    console.print(f"[green]✓[/] {escape(said)}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments or those of the process. Returns the exit code."""
    return run_command(app, arguments)


if __name__ == "__main__":
    sys.exit(main())
