"""Tell people when a night failed or was published incomplete: a log line, a file, and whoever METRICS_NOTIFY names.

`logs/notices.jsonl` in the data home holds one JSON object per notice. A notice that can't be sent is logged and
written down; it never fails a night.
"""
# ruff: noqa: PLC0415 - DAGs import this module at every parse; what sending needs is imported when it is needed

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from include import files
from include.progress import Event, failures, progress_file, read_events
from include.settings import Settings, as_of_date, load_settings, night_id, night_text
from service_metrics.names import NIGHTLY
from service_metrics.nights import night_of_run

log = logging.getLogger(__name__)
_CODE = re.compile(r"\[(SM\d{3})\]")
_SHOWN_FAULTS = 5
_SHOWN_CHARACTERS = 300

Language = Literal["en", "zh"]
_WORDS: dict[str, dict[Language, str]] = {
    "failed": {"en": "night {night} failed", "zh": "夜间批次 {night} 失败"},
    "run_failed": {"en": "DAG {dag} failed", "zh": "流程 {dag} 失败"},
    "incomplete": {
        "en": "night {night} was published without {sources}",
        "zh": "夜间批次 {night} 已发布，但缺少 {sources}",
    },
    "what": {"en": "What failed", "zh": "失败之处"},
    "more": {"en": "and {n} more", "zh": "另有 {n} 处"},
    "silent": {
        "en": "ended without a word (killed, or out of memory or time); see the log",
        "zh": "无任何说明即终止（被强制结束、内存不足或超时），请查看日志",
    },
    "early": {"en": "failed before it could report; see the log", "zh": "尚未报告即失败，请查看日志"},
    "served": {"en": "Readers still have the warehouse as of {as_of}.", "zh": "读者仍使用截至 {as_of} 的数据仓库。"},
    "served_this": {"en": "Readers have the warehouse as of {as_of}.", "zh": "读者使用的是截至 {as_of} 的数据仓库。"},
    "nothing": {"en": "Nothing was published yet.", "zh": "尚未发布任何数据仓库。"},
    "log": {"en": "Log", "zh": "日志"},
    "page": {"en": "Run", "zh": "运行页面"},
    "runbook": {"en": "What to do", "zh": "处理办法"},
}


@dataclass(frozen=True)
class Fault:
    """A step that failed: `what` names step and source; `message` is empty where it could not report, null where it
    began and never said how it ended."""

    what: str
    message: str | None


@dataclass(frozen=True)
class Notice:
    """What people are told. `night` and `served` are UTC instants; `page` is the run's address in Airflow, if any."""

    kind: Literal["failed", "incomplete"]
    dag: str
    run_id: str
    night: datetime | None
    faults: list[Fault] = field(default_factory=list)
    missing_sources: list[str] = field(default_factory=list)
    served: datetime | None = None
    log: str = ""
    page: str = ""


def on_failure(context: Mapping[str, Any]) -> None:
    """Airflow's callback for a failed run of any DAG."""
    settings = load_settings()
    notice = _notice_of(settings, context, "failed")
    if not notice.faults:
        # Failed before its first step could report: all that Airflow knows is the task.
        task = context.get("task")
        notice.faults.append(Fault(task.task_id if task else str(context.get("reason") or notice.dag), ""))
    tell(settings, notice)


def on_success(context: Mapping[str, Any]) -> None:
    """Airflow's callback for a night that was published: tells if sources are missing."""
    settings = load_settings()
    notice = _notice_of(settings, context, "incomplete")
    if notice.missing_sources:
        tell(settings, notice)


def failed_night(settings: Settings, night: datetime, since: float, log_path: Path) -> Notice:
    """The notice for a night that the runner saw fail; `since` is when it began (seconds since 1970)."""
    faults, missing = _told_by_steps(settings.home, night, since)
    faults = faults or [Fault("Airflow", "")]
    return Notice("failed", NIGHTLY, "", night, faults, missing, _served(settings.home), str(log_path))


def tell(settings: Settings, notice: Notice) -> None:
    """Log a notice, write it down, and send it where METRICS_NOTIFY says."""
    from service_metrics.notifier import send

    title, body = words(notice, settings.language, settings.timezone)
    log.error("%s\n%s", title, body)
    sent = send(settings.notify.get_secret_value(), title, body) if settings.notify else []
    for one in sent:
        if one.problem:
            log.error("the notice did not reach %s: %s", one.service, one.problem)
    line = {
        "at": time.time(),
        "kind": notice.kind,
        "dag": notice.dag,
        "run_id": notice.run_id,
        "night": notice.night and night_text(notice.night),
        "faults": [asdict(one) | {"code": _code(one)} for one in notice.faults],
        "missing_sources": notice.missing_sources,
        "served": notice.served and night_text(notice.served),
        "title": title,
        "body": body,
        "sent": [asdict(one) for one in sent],
    }
    try:
        files.append_line(notices_file(settings.home), json.dumps(line, ensure_ascii=False))
    except OSError as error:
        # A full disk is what some notices are about.
        log.error("the notice could not be written to %s: %s", notices_file(settings.home), error)


def notices_file(home: Path) -> Path:
    """Where notices are written down."""
    return home / "logs" / "notices.jsonl"


def read_notices(home: Path) -> list[dict[str, Any]]:
    """All notices of a data home, oldest first; a line that a full disk cut off is left out."""
    path = notices_file(home)
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def words(notice: Notice, language: Language, timezone: str) -> tuple[str, str]:
    """Title and text of a notice."""

    def word(name: str, **values: Any) -> str:
        return _WORDS[name][language].format(**values)

    zone = ZoneInfo(timezone)
    if notice.kind == "incomplete":
        headline = word("incomplete", night=_night(notice, timezone), sources=", ".join(notice.missing_sources))
    elif notice.night:
        headline = word("failed", night=_night(notice, timezone))
    else:
        headline = word("run_failed", dag=notice.dag)
    lines = []
    if notice.faults:
        lines.append(f"{word('what')}:")
        lines += [f"- {one.what}: {_said(one, language)}" for one in notice.faults[:_SHOWN_FAULTS]]
    if len(notice.faults) > _SHOWN_FAULTS:
        lines.append(f"- {word('more', n=len(notice.faults) - _SHOWN_FAULTS)}")
    if notice.served:
        as_of = f"{notice.served.astimezone(zone):%Y-%m-%d %H:%M} {timezone}"
        lines.append(word("served_this" if notice.served == notice.night else "served", as_of=as_of))
    else:
        lines.append(word("nothing"))
    codes = dict.fromkeys(code for code in map(_code, notice.faults) if code)
    if codes:
        lines.append(f"{word('runbook')}: {', '.join(f'docs/runbook/{code}.md' for code in codes)}")
    if notice.log:
        lines.append(f"{word('log')}: {notice.log}")
    if notice.page:
        lines.append(f"{word('page')}: {notice.page}")
    return f"Service Metrics: {headline}", "\n".join(lines)


def _notice_of(settings: Settings, context: Mapping[str, Any], kind: Literal["failed", "incomplete"]) -> Notice:
    dag = context["dag"].dag_id
    run_id = str(context["run_id"])
    night = night_of_run(settings, context) if dag == NIGHTLY else None
    faults: list[Fault] = []
    missing: list[str] = []
    if night:
        run = context.get("dag_run")
        # `dags test` gives a run the date of its night as its start.
        since = run.start_date.timestamp() if run and run.start_date else 0.0
        faults, missing = _told_by_steps(settings.home, night, since)
    logs, page = _where(settings.home, dag, run_id, night)
    return Notice(kind, dag, run_id, night, faults, missing, _served(settings.home), logs, page)


def _told_by_steps(home: Path, night: datetime, since: float) -> tuple[list[Fault], list[str]]:
    """What failed and which sources are missing, by what the steps of the night's last run reported."""
    events = [event for event in read_events(progress_file(home, night))[0] if event.at >= since]
    begins = [number for number, event in enumerate(events) if (event.step, event.kind) == ("prepare", "begin")]
    events = events[begins[-1] :] if begins else []
    missing: list[str] = []
    for event in events:
        if event.step == "build" and event.kind == "end":
            missing = event.detail["missing_sources"]
    failed = [Fault(_what(event), str(event.detail["message"])) for event in failures(events)]
    return failed + [Fault(_what(event), None) for event in _unfinished(events)], missing


def _unfinished(events: Iterable[Event]) -> list[Event]:
    """Steps that began and never said how they ended."""
    open_steps: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.kind == "begin":
            open_steps[event.step, event.subject] = event
        elif event.kind in ("end", "fail"):
            open_steps.pop((event.step, event.subject), None)
    return list(open_steps.values())


def _where(home: Path, dag: str, run_id: str, night: datetime | None) -> tuple[str, str]:
    """The log to look at, and the run's page: the scheduler keeps a folder per run, `make run` one file per night."""
    from airflow.configuration import conf

    folder = Path(conf.get("logging", "base_log_folder")) / f"dag_id={dag}" / f"run_id={run_id}"
    if not folder.exists():
        return (str(home / "logs" / f"{night_id(night)}.log") if night else ""), ""
    base = conf.get("api", "base_url", fallback="") or ""
    return str(folder), f"{base.rstrip('/')}/dags/{dag}/runs/{run_id}" if base else ""


def _served(home: Path) -> datetime | None:
    from include.warehouse.publish import PublishError, served_as_of

    try:
        return served_as_of(home)
    except PublishError as error:
        log.error("%s", error)
        return None


def _night(notice: Notice, timezone: str) -> str:
    """The local day that a night covers; with the time where it isn't a whole day's end."""
    if notice.night is None:
        return "?"
    local = notice.night.astimezone(ZoneInfo(timezone))
    if (local.hour, local.minute) == (0, 0):
        return f"{as_of_date(notice.night, timezone)}"
    return f"{local:%Y-%m-%d %H:%M}"


def _what(event: Event) -> str:
    return f"{event.step} {event.subject}".strip()


def _code(fault: Fault) -> str | None:
    found = _CODE.findall(fault.message or "")
    return found[-1] if found else None


def _said(fault: Fault, language: Language) -> str:
    """A fault's message on one line; its end, the code, survives the cut."""
    if not fault.message:
        return _WORDS["silent" if fault.message is None else "early"][language]
    text = " ".join(fault.message.split())
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    code = _CODE.findall(text)
    return text[:_SHOWN_CHARACTERS] + "…" + (f" [{code[-1]}]" if code else "")
