"""A company of a handful of rows, written by hand: files and source YAMLs for tests of landing, gate and settle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from include.landing import land_feed
from include.settings import Settings, parse_instant
from include.sources import load_source_results

ZONE = ZoneInfo("Asia/Shanghai")

DESK = """\
source: desk
system: Desk
group: tickets
folder: "{home}/inbox/desk"
time_zone: Asia/Shanghai
missing: ["", "N/A"]
feeds:
  tickets:
    delivery: incremental
    files: "{night}/tickets*.csv"
    encoding: [utf-8, gb18030]
    entities:
      ticket:
        columns:
          ticket_id: [工单编号, Ticket ID]
          customer_id: [客户]
          status: {from: [状态], values: {已解决: resolved, 处理中: open}}
          created_at: {from: [创建时间], formats: ["%Y/%m/%d %H:%M"]}
          resolved_at: {from: [解决时间], formats: ["%Y/%m/%d %H:%M"]}
          description: [描述]
          updated_at: {from: [更新时间], formats: ["%Y/%m/%d %H:%M"]}
  events:
    delivery: incremental
    files: "{night}/events.csv"
    entities:
      ticket_event:
        columns:
          event_id: [id]
          ticket_id: [ticket]
          event_type: [type]
          occurred_at: [at]
  users:
    delivery: snapshot
    files: "{night}/users.csv"
    entities:
      customer_identity:
        key_spaces: {external_id: crm}
        columns:
          customer_id: [id]
          external_id: [crm_id]
          email: [mail]
          phone: [phone]
"""

SURVEY = """\
source: survey
system: Survey
group: surveys
folder: "{home}/inbox/survey"
value_maps:
  agree: {完全同意: 5, 同意: 4, 一般: 3, 不同意: 2, 完全不同意: 1}
questionnaires:
  s1:
    survey_name: 满意度
    purpose: transactional
    questions:
QUESTIONS
      - {id: s1.score, headers: [满意度], scale: [1, 5], role: csat, satisfied_min: 4, required: true,
         contradicted_by: "s1.q01 = 1"}
      - {id: s1.why, headers: [原因], scale: [1, 5], shown_if: "s1.score <= 2", required: true}
      - {id: s1.text, headers: [意见], role: open}
feeds:
  questionnaire:
    delivery: snapshot
    questionnaires: true
  responses:
    delivery: incremental
    files: "{night}/responses.csv"
    entities:
      survey_response:
        columns:
          response_id: [序号]
          survey_id: {constant: s1}
          submitted_at: {from: [提交时间], formats: ["%Y/%m/%d %H:%M:%S"], time_zone: Asia/Shanghai}
          duration_seconds: {from: [用时], strip: [秒]}
      survey_answer:
        questionnaire: s1
        columns:
          response_id: [序号]
"""
ITEMS = 12
REVERSED = (3, 7)

TICKET_HEADER = "工单编号,客户,状态,创建时间,解决时间,描述,更新时间\n"
EVENT_HEADER = "id,ticket,type,at\n"
USER_HEADER = "id,crm_id,mail,phone\n"
RESPONSE_HEADER = "序号,提交时间,用时," + ",".join(f"题{n}" for n in range(1, ITEMS + 1)) + ",满意度,原因,意见\n"


class MiniCompany:
    """An installation in a temporary folder (or one that is there already: a copy of another's folder)."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "sources"
        self.sources.mkdir(parents=True, exist_ok=True)
        self.write_source("desk.yml", DESK)
        self.settings = Settings(home=folder / "home", sources=self.sources, hash_key="a key for tests")

    @property
    def home(self) -> Path:
        """The data home."""
        return self.settings.home

    def write_source(self, name: str, text: str) -> None:
        """Write a source YAML."""
        (self.sources / name).write_text(text, encoding="utf-8")

    def add_survey(
        self,
        blocks: Sequence[int] = (ITEMS,),
        reverse_keyed: Collection[int] = REVERSED,
        opposites: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """Add the survey tool: 12 items on 1-5 in blocks of these sizes, one score, one reason, one text.

        The others are numbers of items: which are reverse-keyed, and which asks the opposite of which.
        """
        names = ["main" if place == 0 else f"block{place}" for place, size in enumerate(blocks) for _ in range(size)]
        questions = "\n".join(
            f"      - {{id: s1.q{n:02}, headers: [题{n}], block: {name}, scale: [1, 5], values: agree, "
            f'not_applicable: ["不适用"], reverse_keyed: {str(n in reverse_keyed).lower()}'
            + (f", opposite_of: s1.q{opposites[n]:02}}}" if n in opposites else "}")
            for n, name in enumerate(names, start=1)
        )
        self.write_source("survey.yml", SURVEY.replace("QUESTIONS", questions))

    def deliver(self, night: str, name: str, text: str, source: str = "desk", encoding: str = "utf-8") -> Path:
        """Put a file into a source's dated folder."""
        path = self.home / "inbox" / source / night / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    def night(self, text: str) -> datetime:
        """The end of a local day."""
        return parse_instant(text, ZONE)

    def land(self, night: str) -> None:
        """Land all feeds of all sources."""
        for one in load_source_results(self.sources)[0]:
            for feed in one.source.feeds:
                land_feed(self.settings, self.night(night), one.source.name, feed)

    def run(self, night: str) -> None:
        """Land, gate and settle all sources, as the nightly does."""
        from include.gate.context import prepare_night
        from include.gate.gating import gate_group
        from include.gate.settling import settle_night

        as_of = self.night(night)
        self.land(night)
        prepare_night(self.settings, as_of)
        for group in sorted({one.source.group for one in load_source_results(self.sources)[0]}):
            gate_group(self.settings, as_of, group)
        settle_night(self.settings, as_of)

    def clean(self, entity: str, columns: str = "*", order: str = "row_number, row_id") -> list[tuple[Any, ...]]:
        """Rows of clean."""
        return self._rows(f"clean/{entity}/*.parquet", columns, order)

    def reasons(self, entity: str, columns: str = "row_number, rule_id, status") -> list[tuple[Any, ...]]:
        """Rows of quarantine."""
        return self._rows(f"quarantine/{entity}/*.[0-9].parquet", columns, columns)

    def _rows(self, pattern: str, columns: str, order: str) -> list[tuple[Any, ...]]:
        if not list(self.home.glob(pattern)):
            return []
        relation = f"read_parquet('{self.home / pattern}', union_by_name = true)"
        return duckdb.connect().execute(f"select {columns} from {relation} order by {order}").fetchall()

    def files(self) -> dict[str, bytes]:
        """Every file of the data home but the inbox, by its path."""
        return {
            path.relative_to(self.home).as_posix(): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and "inbox" not in path.parts
        }


def ticket(key: str, **cells: str) -> str:
    """One line of the ticket export, solved on the first of June."""
    values = {
        "customer": "C1",
        "status": "已解决",
        "created": "2026/06/01 09:00",
        "resolved": "2026/06/01 10:00",
        "description": "ok",
        "updated": "2026/06/01 10:00",
    } | cells
    return ",".join([key, *values.values()]) + "\n"


def response(key: str, answers: str, score: str = "4", why: str = "", text: str = "", seconds: str = "120秒") -> str:
    """One line of the survey export; `answers` are 12 digits, `-` for not answered, `x` for not applicable."""
    words = {"5": "完全同意", "4": "同意", "3": "一般", "2": "不同意", "1": "完全不同意", "-": "", "x": "不适用"}
    cells = [words.get(answer, answer) for answer in answers]
    return ",".join([key, "2026/6/1 12:00:00", seconds, *cells, score, why, text]) + "\n"
