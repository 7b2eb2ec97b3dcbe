"""The sample company's export files read in plain Python: a second reading, independent of the pipeline."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from include.sample_company import NIGHTS

SHANGHAI = timezone(timedelta(hours=8))
NIGHT_NAMES = [night.isoformat() for night in NIGHTS]
Row = dict[str, str]
ENCODINGS = {
    "工单导出.csv": "gb18030",
    "答卷_售后服务.csv": "gb18030",
    "客户.csv": "utf-8-sig",
    "回访记录.csv": "gb18030",
}
SOURCE_OF = {
    "工单导出.csv": "desk",
    "ticket_events.csv": "desk",
    "users.csv": "desk",
    "agents.csv": "desk",
    "teams.csv": "desk",
    "客户.csv": "crm",
    "contracts.csv": "crm",
    "orders.csv": "crm",
    "products.csv": "crm",
    "contacts.csv": "survey",
    "invitations.csv": "survey",
    "答卷_售后服务.csv": "survey",
    "relationship_responses.csv": "survey",
    "预测试答卷.csv": "survey",
    "visits.tsv": "field",
    "回访记录.csv": "field",
    "assets.tsv": "field",
    "engineers.tsv": "field",
}


def local_time(text: str) -> datetime:
    """2026/6/3 8:05:07 in Shanghai, as UTC."""
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=SHANGHAI).astimezone(timezone.utc)  # noqa: UP017


def iso_time(text: str) -> datetime:
    """An ISO time with Z or an offset, as UTC."""
    return datetime.fromisoformat(text).astimezone(timezone.utc)  # noqa: UP017


def night_end(name: str) -> datetime:
    """The end of a night."""
    return datetime.fromisoformat(name).replace(tzinfo=SHANGHAI) + timedelta(days=1)


@dataclass(frozen=True)
class SampleFiles:
    """The files of a generated folder."""

    folder: Path

    def path(self, name: str, night: str) -> Path:
        return self.folder / SOURCE_OF[name] / night / name

    def lines(self, name: str, night: str) -> list[list[str]]:
        """All records of a file, the header first; none if the file is not there."""
        path = self.path(name, night)
        if not path.exists():
            return []
        delimiter = "\t" if name.endswith(".tsv") else ";" if name == "contracts.csv" else ","
        encoding = "utf-8-sig" if name.endswith(".tsv") else ENCODINGS.get(name, "utf-8")
        with path.open(encoding=encoding, newline="") as stream:
            return list(csv.reader(stream, delimiter=delimiter))

    def broken(self, name: str, night: str) -> int:
        """Records that do not have as many cells as the header."""
        header, *records = self.lines(name, night) or [[]]
        return sum(len(record) != len(header) for record in records)

    def rows(self, name: str, night: str) -> list[Row]:
        """The records of a file that can be split into its columns."""
        header, *records = self.lines(name, night) or [[]]
        return [dict(zip(header, record, strict=True)) for record in records if len(record) == len(header)]

    def all_rows(self, name: str) -> list[Row]:
        """The rows of all nights."""
        return [row for night in NIGHT_NAMES for row in self.rows(name, night)]

    def current(self, name: str, key: str) -> dict[str, Row]:
        """The last version of every key over all nights; rows without a key left out."""
        return {row[key]: row for row in self.all_rows(name) if row[key]}

    def events_by_ticket(self) -> dict[str, list[Row]]:
        """Events of every ticket in the order of time and file, each event once."""
        unique = {row["event_id"]: row for row in self.all_rows("ticket_events.csv") if row["event_id"]}
        by_ticket: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(unique.values(), key=lambda row: iso_time(row["occurred_at"])):
            by_ticket[row["ticket_id"]].append(row)
        return by_ticket
