"""The summary at the end of a run, in the installation's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.contracts import load_contracts
from include.reporting.amounts import amount
from include.warehouse.night_summary import EntityRows, Headline, NightSummary

Language = Literal["en", "zh"]
_WORDS: dict[str, dict[Language, str]] = {
    "night": {"en": "Night", "zh": "夜间批次"},
    "run": {"en": "run {n}", "zh": "第 {n} 次构建"},
    "source": {"en": "Source", "zh": "来源"},
    "rows_in": {"en": "Rows in", "zh": "接收行数"},
    "clean": {"en": "Clean", "zh": "合格"},
    "not_counted": {"en": "Not counted", "zh": "不计分"},
    "quarantined": {"en": "Quarantined", "zh": "隔离"},
    "reasons": {"en": "Most frequent reasons", "zh": "最常见原因"},
    "identical": {"en": "{n} deliveries as before", "zh": "{n} 份交付与之前相同"},
    "nothing": {"en": "Nothing new came in.", "zh": "没有新数据。"},
    "metric": {"en": "Metric", "zh": "指标"},
    "value": {"en": "Value", "zh": "数值"},
    "interval": {"en": "95 % interval", "zh": "95% 区间"},
    "n": {"en": "n", "zh": "样本"},
    "change": {"en": "Change", "zh": "较上期"},
    "low_base": {"en": "too few to rely on", "zh": "样本过少，仅供参考"},
    "period": {"en": "Period", "zh": "期间"},
    "strategic": {"en": "Strategic", "zh": "战略"},
    "operational": {"en": "Operational", "zh": "运营"},
    "experience": {"en": "Experience", "zh": "体验"},
    "none": {"en": "none yet", "zh": "暂无"},
    "missing": {"en": "INCOMPLETE: this night lacks", "zh": "不完整：本批次缺少"},
    "held": {"en": "rows are held until what they refer to arrives", "zh": "行暂挂，等待其引用的数据到达"},
    "warehouse": {"en": "Warehouse", "zh": "数据仓库"},
    "page": {"en": "Metrics page", "zh": "指标页面"},
    "audit": {"en": "Audit pages", "zh": "审计页面"},
    "took": {"en": "Time", "zh": "用时"},
}


def print_summary(
    console: Console,
    summary: NightSummary,
    language: Language,
    warehouse: str,
    pages: Mapping[str, str],
    seconds: dict[str, float],
    remarks: Sequence[str] = (),
) -> None:
    """Print rows by source, headline metrics, warnings, where warehouse and pages are and what took how long.

    `pages` are paths by their names here (`page`, `audit`), empty where they were not written.
    `remarks` are warnings that no table holds, such as holidays that are not settled yet.
    """
    view = _View(console, language, summary)
    view.head()
    view.rows()
    view.headlines()
    view.warnings(remarks)
    parts = " · ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    console.print(f"[bold]{view.word('warehouse')}[/]  {escape(warehouse)}", highlight=False, soft_wrap=True)
    for name, page in pages.items():
        if page:
            console.print(f"[bold]{view.word(name)}[/]  {escape(page)}", highlight=False, soft_wrap=True)
    console.print(f"[bold]{view.word('took')}[/]  {parts}", highlight=False)


class _View:
    def __init__(self, console: Console, language: Language, summary: NightSummary) -> None:
        self.console = console
        self.language = language
        self.summary = summary

    def word(self, name: str) -> str:
        return _WORDS[name][self.language]

    def head(self) -> None:
        local = self.summary.as_of.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(self.summary.time_zone))
        self.console.print()
        run = self.word("run").format(n=self.summary.run_number)
        state = f"as_of {local:%Y-%m-%d %H:%M} {self.summary.time_zone}, {run}"
        self.console.rule(f"[bold]{self.word('night')} {self.summary.as_of_date}[/]  [dim]{state}[/]")

    def rows(self) -> None:
        if not self.summary.rows:
            self.console.print(self.word("nothing"))
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self.word("source"), min_width=22)
        for name in ("rows_in", "clean", "not_counted", "quarantined"):
            table.add_column(self.word(name), justify="right", no_wrap=True)
        contracts = load_contracts()
        for source, group in groupby(self.summary.rows, key=lambda row: row.source):
            entities = list(group)
            table.add_row(f"[bold]{source}[/]", *(f"[bold]{n:,}[/]" for n in _totals(entities)))
            for row in entities:
                table.add_row(f"  {contracts[row.entity].name[self.language]}", *(f"{n:,}" for n in _totals([row])))
        if self.summary.rows:
            self.console.print(table)
        self.reasons()

    def reasons(self) -> None:
        """Why rows were not counted or quarantined, per source, most frequent first."""
        if not self.summary.reasons:
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        contracts = load_contracts()
        for source, group in groupby(self.summary.reasons, key=lambda one: one.source):
            for number, one in enumerate(group):
                colour = "red" if one.verdict == "unusable" else "yellow"
                entity = contracts[one.entity].name[self.language]
                table.add_row(
                    f"[bold]{source}[/]" if number == 0 else "",
                    f"[{colour}]{one.rows:,} ×[/]",
                    f"{entity}: {escape(one.words)}",
                )
        self.console.print()
        self.console.print(f"[bold]{self.word('reasons')}[/]")
        self.console.print(table)
        for source, count in sorted(self.summary.identical.items()):
            self.console.print(f"[dim]{source}: {self.word('identical').format(n=count)}[/]", highlight=False)

    def headlines(self) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self.word("metric"), min_width=22)
        for name in ("value", "interval", "n", "change", "period"):
            table.add_column(self.word(name), justify="right", no_wrap=True)
        for layer, group in groupby(self.summary.headlines, key=lambda one: one.layer):
            table.add_row(f"[bold]{self.word(layer)}[/]")
            for one in group:
                table.add_row(f"  {escape(one.name)}", *self._headline_cells(one))
        self.console.print()
        self.console.print(table)
        if any(one.is_low_base for one in self.summary.headlines):
            self.console.print(f"[dim]* {self.word('low_base')}[/]")
        self.console.print()

    def warnings(self, remarks: Sequence[str]) -> None:
        missing = self.summary.missing_sources
        if missing:
            self.console.print(f"[bold white on red] {self.word('missing')} {', '.join(missing)} [/]")
        # The first line says what; the audit marts and the log have it all.
        troubles = {
            f"[yellow]! {one.status}[/] {escape(next(iter(one.message.splitlines()), f'{one.source}.{one.feed}'))}"
            for one in self.summary.troubles
        }
        for text in sorted(troubles):
            self.console.print(text, highlight=False, soft_wrap=True)
        if self.summary.held_rows:
            self.console.print(f"[yellow]![/] {self.summary.held_rows:,} {self.word('held')}", highlight=False)
        for remark in remarks:
            self.console.print(f"[yellow]![/] {escape(remark)}", highlight=False, soft_wrap=True)

    def _headline_cells(self, one: Headline) -> list[str]:
        if one.value is None:
            return [f"[dim]{self.word('none')}[/]", "", "", "", ""]
        interval = ""
        if one.ci_low is not None and one.ci_high is not None:
            interval = f"{self._amount(one.ci_low, one.unit)} – {self._amount(one.ci_high, one.unit)}"
        period = "" if one.period_start is None else f"{one.period_start:%Y-%m}"
        if one.grain == "snapshot":
            period = str(one.period_start)
        return [
            f"[bold]{self._amount(one.value, one.unit)}[/]",
            f"[dim]{interval}[/]",
            "" if one.n is None else f"{one.n:,}{'*' if one.is_low_base else ''}",
            self._change(one),
            f"[dim]{period}[/]",
        ]

    def _change(self, one: Headline) -> str:
        if one.change is None:
            return ""
        text = self._amount(one.change, one.unit, signed=True, beside=one.value)
        if not one.is_significant or one.direction not in ("higher_is_better", "lower_is_better"):
            return f"[dim]{text}[/]"
        better = (one.change > 0) == (one.direction == "higher_is_better")
        return f"[{'green' if better else 'red'}]{text}[/]"

    def _amount(self, value: float, unit: str, signed: bool = False, beside: float | None = None) -> str:
        return amount(value, unit, self.language, self.summary.currency, signed=signed, beside=beside)


def _totals(rows: list[EntityRows]) -> tuple[int, int, int, int]:
    return (
        sum(row.rows_in for row in rows),
        sum(row.rows_clean for row in rows),
        sum(row.rows_not_counted for row in rows),
        sum(row.rows_quarantined for row in rows),
    )
