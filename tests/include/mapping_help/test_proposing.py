"""A proposal for an unknown file loads, says what is doubtful, and maps the file: there and back, in both languages."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.mapping_help.preview import EntityPreview, preview_feed
from include.mapping_help.proposing import propose
from include.settings import Settings
from include.sources.file_reader import UnreadableFileError
from include.sources.loading import LoadedSource, SourceConfigError, load_source
from tests.support import foreign_exports as exports


@dataclass(frozen=True)
class Proposed:
    """A proposal, written down, loaded, and what it makes of the file."""

    text: str
    loaded: LoadedSource
    mapped: dict[str, EntityPreview]
    problem: str | None

    @property
    def doubts(self) -> list[str]:
        """What each `# ?` says."""
        return [line.strip().removeprefix("# ? ") for line in self.text.splitlines() if line.strip().startswith("# ?")]

    def columns(self, entity: str) -> dict[str, Any]:
        """The columns of an entity as the YAML gives them."""
        for feed in yaml.safe_load(self.text)["feeds"].values():
            if entity in feed.get("entities", {}):
                return dict(feed["entities"][entity]["columns"])
        raise AssertionError(entity)

    def values(self, entity: str, column: str) -> list[str | None]:
        """The values of a column in the mapped rows."""
        found = self.mapped[entity]
        return [row[found.columns.index(column)] for row in found.sample]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", sources=tmp_path, real_data=tmp_path / "none", language="en")


def proposed(settings: Settings, file: Path, **more: Any) -> Proposed:
    path = settings.sources / "proposed.yml"
    proposal = propose(settings, file, target=path, **more)
    path.write_text(proposal.text, encoding="utf-8")
    loaded = load_source(path)
    feed = next(name for name, one in loaded.source.feeds.items() if one.files)
    preview = preview_feed(settings, loaded, feed)  # finds the file by `folder` and `files`
    path.unlink()
    assert not settings.home.exists()
    return Proposed(proposal.text, loaded, {one.entity: one for one in preview.entities}, preview.problem)


def test_chinese_tickets(settings: Settings, tmp_path: Path) -> None:
    found = proposed(settings, exports.chinese_tickets(tmp_path), name="hotline")
    source = found.loaded.source
    assert (source.name, source.group, source.personal) == ("hotline", "tickets", ("客户姓名", "联系电话"))
    assert source.feeds["tickets"].encoding == ("gb18030",)
    assert source.feeds["tickets"].files == ("工单导出_*.csv",)
    assert source.missing == ("", "N/A")
    assert found.columns("ticket") == {
        "ticket_id": ["服务单号"],
        "customer_id": ["客户编号"],
        "status": {
            "from": ["处理状态"],
            "values": {"已办结": "resolved", "处理中": "open", "已关闭": "closed", "待客户回复": "pending"},
        },
        "priority": {"from": ["紧急程度"], "values": {"低": "low", "中": "normal", "高": "high", "紧急": "urgent"}},
        "channel": {"from": ["受理渠道"], "values": {"电话": "phone", "微信": "wechat"}},
        "created_at": ["建单时间"],
        "handling_minutes": {"from": ["处理时长（小时）"], "factor": 60},
        "is_complaint": ["是否投诉"],
    }
    assert "# ? 已转二线 (2 rows): one of new, open, pending" in found.text
    assert "can't be read: 1 / 8 values" in found.doubts
    assert "# 机型颜色: text, 1 different values" in found.text
    assert "13800000001" not in found.text and "赵一一" not in found.text
    ticket = found.mapped["ticket"]
    assert (ticket.rows, ticket.unusable) == (8, 2)  # one of the unknown statuses is the row with the bad date
    assert found.values("ticket", "created_at")[0] == "2026-06-01 08:05:00"
    assert set(found.values("ticket", "handling_minutes")) == {"90"}


def test_english_customers(settings: Settings, tmp_path: Path) -> None:
    found = proposed(settings, exports.english_customers(tmp_path, day_of=(1, 20, 3)))
    assert found.columns("customer") == {
        "customer_id": ["Account ID"],
        "name": ["Account Name"],
        "email": ["E-mail"],
        "phone": ["Mobile"],
        "tier": {"from": ["Tier"], "values": {"Regular": "standard", "VIP": "vip"}},
        "customer_type": {"from": ["Type"], "values": {"Business": "company", "Private": "person"}},
        "acquired_date": {"from": ["Registered"], "formats": ["%m/%d/%Y"]},
    }
    assert found.columns("customer_identity") == {
        "customer_id": ["Account ID"],
        "email": ["E-mail"],
        "phone": ["Mobile"],
    }
    assert found.values("customer", "acquired_date")[:2] == ["2025-01-01", "2025-02-20"]
    assert [(one.rows, one.unusable) for one in found.mapped.values()] == [(12, 0), (12, 0)]
    assert not [text for text in ("example.com", "Person 1", "13800000001") if text in found.text]


def test_a_date_that_may_be_either_is_left_unread(settings: Settings, tmp_path: Path) -> None:
    found = proposed(settings, exports.english_customers(tmp_path))
    assert found.columns("customer")["acquired_date"] == ["Registered"]
    [doubt] = [one for one in found.doubts if one.startswith("day or month first?")]
    assert "%d/%m/%Y / %m/%d/%Y" in doubt
    assert found.mapped["customer"].unusable == 12
    [odd] = found.mapped["customer"].unreadable
    assert (odd.formats, odd.either) == ((), ("%d/%m/%Y", "%m/%d/%Y"))


def test_chinese_survey(settings: Settings, tmp_path: Path) -> None:
    found = proposed(settings, exports.chinese_survey(tmp_path))
    source = found.loaded.source
    assert source.feeds["responses"].skip_rows == 1
    assert source.personal == ("来自IP",)
    questions = source.questionnaires["surveys_export"].questions
    assert [(one.role, one.scale, one.block) for one in questions] == [
        ("csat", (1, 5), None),
        ("dimension", (1, 5), "b1"),
        ("dimension", (1, 5), "b1"),
        ("nps", (0, 10), None),
        ("dimension", None, None),
        ("open", None, None),
    ]
    assert questions[1].not_applicable == ("不适用",)
    assert questions[4].multiple and set(questions[4].multiple.options) == {"电话", "微信", "门店"}
    assert source.value_maps["satisfaction"]["非常不满意"] == "1"  # an answer that nobody gave yet
    assert found.columns("survey_response")["duration_seconds"] == {"from": ["所用时间"], "strip": ["秒"]}
    assert found.mapped["survey_response"].rows == 12 and found.mapped["survey_answer"].rows == 12 * 7 + 6
    assert all(one.unusable == 0 for one in found.mapped.values())
    names = [found.values("survey_answer", name) for name in ("response_id", "question_id", "answer_value")]
    answers = {(response, question): value for response, question, value in zip(*names, strict=True)}
    assert answers["1", "surveys_export.q01"] == "5" and answers["2", "surveys_export.q01"] == "4"
    assert answers["1", "surveys_export.q05.微信"] == "1" and answers["1", "surveys_export.q05.门店"] == "0"
    assert ("1", "surveys_export.q06") not in answers  # no words typed


def test_english_survey(settings: Settings, tmp_path: Path) -> None:
    found = proposed(settings, exports.english_survey(tmp_path))
    questions = found.loaded.source.questionnaires["survey"].questions
    assert [(one.role, one.scale) for one in questions] == [
        ("nps", (0, 10)),
        ("csat", (1, 5)),
        ("dimension", (1, 5)),
        ("dimension", (1, 5)),
        ("open", None),
    ]
    assert questions[2].missing == ("", "-99")
    assert found.mapped["survey_answer"].rows == 12 * 5 - 1
    assert all(one.unusable == 0 for one in found.mapped.values())


def test_sheet_with_a_title_in_another_sheet_than_the_first(settings: Settings, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "说明"
    sheet = book.create_sheet("工单")
    sheet.append(["六月工单", None, None])
    sheet.append(["工单编号", "状态", "创建时间"])
    for number in range(3):
        sheet.append([f"T{number}", "已解决", "2026-06-01 10:00:00"])
    book.save(tmp_path / "六月.xlsx")
    found = proposed(settings, tmp_path / "六月.xlsx")
    feed = found.loaded.source.feeds["tickets"]
    assert (feed.sheet, feed.skip_rows) == ("工单", 1)
    assert (found.mapped["ticket"].rows, found.mapped["ticket"].unusable) == (3, 0)


def test_packed_json_with_the_records_inside(settings: Settings, tmp_path: Path) -> None:
    record = {"requester": {"id": 7}, "status": "solved", "created": "2026-06-01T10:00:00Z"}
    document = {"count": 4, "data": {"tickets": [{"id": number, **record} for number in range(4)]}}
    file = tmp_path / "tickets.json.gz"
    file.write_bytes(gzip.compress(json.dumps(document).encode()))
    found = proposed(settings, file)
    assert found.loaded.source.feeds["tickets"].records == "data.tickets"
    assert "time_zone" not in found.text  # every time says its own
    assert found.columns("ticket")["customer_id"] == ["requester.id"]
    assert (found.mapped["ticket"].rows, found.mapped["ticket"].unusable) == (4, 0)


def test_a_mandatory_column_that_is_not_found_is_named_and_stops_the_mapping(
    settings: Settings, tmp_path: Path
) -> None:
    file = exports.write_csv(tmp_path / "tickets.csv", [["Ticket ID", "Subject"], ["1", "a"], ["2", "b"]])
    found = proposed(settings, file)
    assert found.columns("ticket")["created_at"] == ["created_at"]
    assert sum(one.startswith("mandatory, and no column was recognised") for one in found.doubts) == 2
    assert "none of the file's 2 columns is" in (found.mapped["ticket"].problem or "")


def test_a_file_without_ids_gets_a_key_of_its_cells_but_not_of_personal_ones(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [["Created", "Status", "Phone", "Issue"], *(["2026-06-01", "open", "13800000001", "leak"] for _ in range(3))]
    found = proposed(settings, exports.write_csv(tmp_path / "tickets.csv", rows))
    assert found.columns("ticket")["ticket_id"] == {"key_of": ["Created", "Status", "Issue"]}
    assert found.loaded.source.personal == ("Phone",)
    assert found.mapped["ticket"].unusable == 0


def test_hostile_headers_and_cells_stay_text(settings: Settings, tmp_path: Path) -> None:
    header = ["Ticket ID", "status", "created", "a: b #{c}", "[x]", '"q"', "yes", "key: *anchor"]
    rows = [header, *([str(number), "No: 'x' # {y}", "2026-06-01", *"bcdef"] for number in range(3))]
    found = proposed(settings, exports.write_csv(tmp_path / "tick[1]{2}.csv", rows))
    assert found.mapped["ticket"].rows == 3
    assert "unknown" in found.text or "one of new" in found.text


def test_of_a_large_file_a_part_is_looked_at_but_the_key_is_proven_on_all(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.mapping_help.proposing.LOOKED_AT", 5)
    rows = [[f"T{number % 299}", "open", f"2026-06-01 10:{number % 60:02}:00"] for number in range(300)]
    file = exports.write_csv(tmp_path / "tickets.csv", [["Ticket ID", "Status", "Created"], *rows])
    found = proposed(settings, file)
    assert found.mapped["ticket"].rows == 300
    assert any(one.startswith("stands more than once") for one in found.doubts)


def test_in_chinese(settings: Settings, tmp_path: Path) -> None:
    file = exports.chinese_tickets(tmp_path)
    text = propose(settings.model_copy(update={"language": "zh"}), file).text
    assert "# ? 已转二线（2 行）：可取 new, open" in text and "未映射的列" in text


def test_a_name_that_cannot_be_one_and_a_file_without_records(settings: Settings, tmp_path: Path) -> None:
    file = exports.english_customers(tmp_path)
    with pytest.raises(SourceConfigError, match="source"):
        propose(settings, file, name="Not a name")
    with pytest.raises(UnreadableFileError, match="no records"):
        propose(settings, exports.write_csv(tmp_path / "empty.csv", [["a", "b"]]))
