"""Export files of the survey tool: contacts, invitations and the wide answer sheets."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from include.sample_company import assumptions as a
from include.sample_company import personal
from include.sample_company.customers import Customers, People
from include.sample_company.defects import spread_apart, spread_rows
from include.sample_company.deliver_desk import known_people, too_long
from include.sample_company.export_text import (
    ExportFile,
    Rows,
    changed,
    ids,
    labels,
    numbers,
    offset_times,
    picked,
    slashed_times,
    table,
    utc_times,
)
from include.sample_company.nights import CUTS, DAY, NIGHTS, Ints, window
from include.sample_company.surveys import (
    KIND,
    NOT_APPLICABLE,
    NOTHING,
    SHORT_BLOCK,
    SURVEY_CHANNELS,
    UNMAPPED,
    Invitations,
    Pretest,
    Responses,
    invitations_changed_at,
    longest_runs,
)
from include.sample_company.tally import Tally

CONTACTS_FILE = ExportFile("contacts.csv")
INVITATIONS_FILE = ExportFile("invitations.csv")
TRANSACTIONAL_FILE = ExportFile("答卷_售后服务.csv", "gb18030", line_end="\r\n")
RELATIONSHIP_FILE = ExportFile("relationship_responses.csv")
PRETEST_FILE = ExportFile("预测试答卷.csv")

SURVEY_IDS = ("service_2026", "relationship_2026")
SATISFACTION_TEXT = ("非常不满意", "不满意", "一般", "满意", "非常满意")
CONTACT_TEXT = ("电话", "微信", "邮件", "其他")
AGREEMENT_TEXT = ("非常不同意", "不同意", "一般", "同意", "非常同意")
BLOCK_HEADERS = (
    "1、客服响应迅速",
    "2、客服清楚理解了我的问题",
    "3、客服人员专业",
    "4、我等待的时间太长",
    "5、客服态度友好",
    "6、我的问题得到了彻底解决",
    "7、处理进度透明",
    "8、我不得不反复说明问题",
    "9、上门或回复准时",
    "10、后续跟进及时",
    "11、处理流程繁琐",
    "12、总体上服务符合我的期望",
)
RELATIONSHIP_ITEMS = (
    "Product quality",
    "Price perception",
    "Delivery efficiency",
    "After-sales support",
    "Professionalism",
    "Cross-team coordination",
)
COMPLETENESS = a.COMPLETENESS_ITEM
FUTURE_RESPONSE = 40_000_000


def deliver_survey(
    folder: Path,
    rng: np.random.Generator,
    customers: Customers,
    people: People,
    first: Ints,
    invitations: Invitations,
    transactional: Responses,
    relationship: Responses,
    pretest: Pretest,
    tally: Tally,
) -> None:
    """Write every delivery of the survey tool into `folder`/<night>/."""
    for night, day in enumerate(NIGHTS):
        target = folder / day.isoformat()
        _deliver_contacts(target, night, customers, people, first, tally)
        _deliver_invitations(target, night, invitations, tally)
        _deliver_transactional(target, rng, night, transactional, tally)
        _deliver_relationship(target, rng, night, invitations, relationship, tally)
        _deliver_pretest(target, night, pretest, tally)


def _deliver_contacts(
    folder: Path, night: int, customers: Customers, people: People, first: Ints, tally: Tally
) -> None:
    chosen = np.flatnonzero(known_people(customers, people, first, night))
    joins = personal.survey_identities(customers, people)
    rows = table(
        {
            "contact_id": personal.contact_numbers(chosen),
            "external_ref": joins["external_id"].take(pa.array(chosen)),
            "e-mail": joins["email"].take(pa.array(chosen)),
            "mobile": joins["phone"].take(pa.array(chosen)),
        }
    )
    tally.add_records("survey.contacts", night, CONTACTS_FILE.write(folder, rows))
    tally.add_rows("customer_identity", night, rows.num_rows)


def _deliver_invitations(folder: Path, night: int, invitations: Invitations, tally: Tally) -> None:
    start, stop = window(night)
    last = invitations_changed_at(invitations, stop)
    chosen = np.flatnonzero((last >= start) & (last < stop))
    tier = invitations.tier[chosen]
    delivered = invitations.delivered[chosen]
    opened = np.where(invitations.opened_at[chosen] < stop, invitations.opened_at[chosen], stop * 1000)
    reminded = np.where(invitations.reminded_at[chosen] < stop, invitations.reminded_at[chosen], stop * 1000)
    rows = table(
        {
            "invitation_id": ids("INV", chosen + 1),
            "survey": labels(invitations.survey[chosen], SURVEY_IDS),
            "contact_id": personal.contact_numbers(invitations.person[chosen]),
            "ticket_no": personal.ticket_numbers(invitations.ticket[chosen]),
            "channel": labels(invitations.channel[chosen], SURVEY_CHANNELS),
            "stratum": labels(tier, a.TIERS),
            "probability": labels((tier > 0).astype(np.int64), ("1", "0.3")),
            "sent": offset_times(invitations.sent_at[chosen]),
            "delivered": labels(np.where(delivered < 0, 2, delivered), ("no", "yes", "unknown")),
            "opened": offset_times(opened),
            "reminded": offset_times(reminded),
            "changed": offset_times(last[chosen]),
        }
    )
    tally.add_records("survey.invitations", night, INVITATIONS_FILE.write(folder, rows))
    tally.add_rows("survey_invitation", night, rows.num_rows)


def _agreement(cells: Ints) -> pa.Array:
    codes = np.where(cells > 0, cells - 1, -1)
    codes = np.where(cells == NOT_APPLICABLE, 5, np.where(cells == UNMAPPED, 6, codes))
    return labels(codes, (*AGREEMENT_TEXT, "不适用", "还行"))


def _transactional_rows(responses: Responses, chosen: Ints) -> Rows:
    text, reason = responses.open_text[chosen], responses.reason_text[chosen]
    csat, ces = responses.csat[chosen], responses.ces[chosen]
    skipped = pa.array(["(跳过)"] * len(chosen))
    return table(
        {
            "序号": numbers(chosen + 1),
            "提交答卷时间": slashed_times(responses.submitted_at[chosen]),
            "所用时间": ids_with_unit(responses.duration[chosen], "秒"),
            "来源": labels(chosen % 2, ("短信", "微信")),
            "来源详情": ids("INV", responses.invitation[chosen] + 1),
            "来自IP": labels(
                chosen % 3, ("203.0.113.7(广东-深圳)", "198.51.100.24(四川-成都)", "192.0.2.81(上海-上海)")
            ),
            **{header: _agreement(responses.block[chosen, item]) for item, header in enumerate(BLOCK_HEADERS)},
            "13、您对本次服务总体满意吗？": labels(np.where(csat > 0, csat - 1, -1), SATISFACTION_TEXT),
            "14、为解决问题您花了多少精力？（1 很少 - 7 很多）": numbers(ces, ces == 0),
            "15、问题是否一次解决？": labels(responses.solved[chosen], ("否", "是")),
            "16、不满意的主要原因": picked(reason < 0, skipped, labels(reason, personal.REASONS)),
            "17、您还有什么意见或建议？": picked(
                text < 0, pa.array(["(空)"] * len(chosen)), labels(text, personal.OPEN_ANSWERS)
            ),
        }
    )


def ids_with_unit(values: Ints, unit: str) -> pa.Array:
    """Whole numbers followed by a unit: 64秒."""
    return pa.array([f"{value}{unit}" for value in values.tolist()], pa.string())


def _answer_cells(rows: Rows, headers: list[str], empty: tuple[str, ...]) -> int:
    """Cells under these headers that say something."""
    filled = 0
    for header in headers:
        cells = rows[header].to_pylist()
        filled += sum(cell is not None and cell not in empty for cell in cells)
    return filled


def _deliver_transactional(
    folder: Path, rng: np.random.Generator, night: int, responses: Responses, tally: Tally
) -> None:
    start, stop = window(night)
    chosen = np.flatnonzero((responses.submitted_at >= start) & (responses.submitted_at < stop))
    rows = _transactional_rows(responses, chosen)
    honest = np.flatnonzero(responses.kind[chosen] == NOTHING)
    names = ("response_duplicate", "response_missing_key", "response_future")
    copies, keyless, ahead = spread_apart(rng, names, honest, len(chosen), night)
    nameless = changed(rows.take(pa.array(keyless)), 序号=None, 来源详情=None)
    early = changed(
        rows.take(pa.array(ahead)),
        序号=numbers(FUTURE_RESPONSE + 1000 * night + np.arange(len(ahead))),
        来源详情=None,
        提交答卷时间=slashed_times(np.full(len(ahead), CUTS[night] + 20 * DAY)),
    )
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), nameless, early])
    broken = too_long(everything, night)
    headers = everything.column_names[6:]
    empty = ("(跳过)", "(空)")
    records = TRANSACTIONAL_FILE.write(folder, everything, broken)
    tally.add_records("survey.responses", night, records)
    tally.add_rows("survey_response", night, records)
    tally.add_rows("survey_answer", night, _answer_cells(everything, headers, empty))
    block, kind = responses.block[chosen], responses.kind[chosen]
    first, second = a.OPPOSITE_PAIR
    tally.add_defects(
        "survey_response",
        night,
        straight_lined=int((longest_runs(block) >= 10).sum()),
        speeder_not_counted=int((kind == KIND["speeder_not_counted"]).sum()),
        speeder_without_sign=int((kind == KIND["speeder_without_sign"]).sum()),
        speeder_flag=int(np.isin(kind, [KIND[n] for n in KIND if n.startswith("speeder")]).sum()),
        missing_required_answer=int((kind == KIND["missing_required_answer"]).sum()),
        solved_no_but_complete=int(((responses.solved[chosen] == 0) & (block[:, COMPLETENESS] == 5)).sum()),
        opposite_pair_agreed=int(((block[:, first] >= 4) & (block[:, second] >= 4)).sum()),
        duplicate_in_batch=len(copies),
        missing_key=len(keyless),
        future_time=len(ahead),
        unparsable_line=len(broken),
    )
    tally.add_defects(
        "survey_answer",
        night,
        answer_out_of_scale=int((responses.ces[chosen] > 7).sum()),
        unmapped_value=int((block == UNMAPPED).sum()),
        not_applicable=int((block == NOT_APPLICABLE).sum()),
        in_duplicate=_answer_cells(rows.take(pa.array(copies)), headers, empty),
        in_missing_key=_answer_cells(nameless, headers, empty),
        in_future_time=_answer_cells(early, headers, empty),
    )


def _relationship_rows(responses: Responses, invitations: Invitations, chosen: Ints) -> Rows:
    nps, csat, text = responses.nps[chosen], responses.csat[chosen], responses.open_text[chosen]
    block = responses.block[chosen]
    submitted = responses.submitted_at[chosen]
    gap = np.full(len(chosen), -99)
    return table(
        {
            "ResponseId": ids("R_", chosen + 5_001),
            "StartDate": utc_times(submitted - responses.duration[chosen]),
            "EndDate": utc_times(submitted),
            "Duration (in seconds)": numbers(responses.duration[chosen]),
            "Finished": labels(responses.is_complete[chosen].astype(np.int64), ("0", "1")),
            "ExternalReference": personal.contact_numbers(invitations.person[responses.invitation[chosen]]),
            "InvitationId": ids("INV", responses.invitation[chosen] + 1),
            "DistributionChannel": labels(invitations.channel[responses.invitation[chosen]], SURVEY_CHANNELS),
            "UserLanguage": labels(responses.language[chosen], ("ZH-S", "EN")),
            "Q1 How likely are you to recommend us?": numbers(np.where(nps == NOTHING, gap, nps)),
            "Q2 Overall satisfaction": numbers(csat, csat == 0),
            **{
                f"Q{item + 3} {name}": numbers(block[:, item], block[:, item] == 0)
                for item, name in enumerate(RELATIONSHIP_ITEMS)
            },
            "Q9 Anything else?": labels(text, personal.OPEN_ANSWERS),
        }
    )


def _deliver_relationship(
    folder: Path,
    rng: np.random.Generator,
    night: int,
    invitations: Invitations,
    responses: Responses,
    tally: Tally,
) -> None:
    start, stop = window(night)
    chosen = np.flatnonzero((responses.submitted_at >= start) & (responses.submitted_at < stop))
    rows = _relationship_rows(responses, invitations, chosen)
    constant = longest_runs(responses.block[chosen]) == SHORT_BLOCK
    honest = np.flatnonzero((responses.kind[chosen] == NOTHING) & responses.is_complete[chosen] & ~constant)
    halves = spread_rows(rng, "response_duplicate", honest, len(chosen), night)
    # The same response as it stood half-way: complete beats incomplete, inside one file and across nights.
    unfinished = {"Finished": "0", rows.column_names[-1]: None}
    half = changed(rows.take(pa.array(halves)), **unfinished)
    ahead = _completed_next_night(night, invitations, responses)
    early = changed(
        _relationship_rows(responses, invitations, ahead),
        **unfinished,
        EndDate=utc_times(np.full(len(ahead), stop - 1_800)),
    )
    everything = pa.concat_tables([half, rows, early])
    headers = everything.column_names[9:]
    tally.add_records("survey.relationship_responses", night, RELATIONSHIP_FILE.write(folder, everything))
    tally.add_rows("survey_response", night, everything.num_rows)
    tally.add_rows("survey_answer", night, _answer_cells(everything, headers, ("-99",)))
    block, kind = responses.block[chosen], responses.kind[chosen]
    tally.add_defects(
        "survey_response",
        night,
        relationship_duplicate_in_batch=len(halves),
        relationship_speeder_flag=int((kind == KIND["speeder_flag"]).sum()),
        relationship_missing_required_answer=int((kind == KIND["missing_required_answer"]).sum()),
        relationship_constant_short_block=int(constant.sum()),
        relationship_completed_next_night=len(ahead),
        relationship_drop_out=int((~responses.is_complete[chosen]).sum()),
    )
    tally.add_defects(
        "survey_answer",
        night,
        relationship_answer_out_of_scale=int((responses.nps[chosen] > 10).sum() + (block > 5).sum()),
        relationship_not_applicable=int((block == NOT_APPLICABLE).sum()),
        relationship_in_unfinished=_answer_cells(early, headers, ("-99",)),
        relationship_in_duplicate=_answer_cells(half, headers, ("-99",)),
    )


def _deliver_pretest(folder: Path, night: int, pretest: Pretest, tally: Tally) -> None:
    start, stop = window(night)
    chosen = np.flatnonzero((pretest.submitted_at >= start) & (pretest.submitted_at < stop))
    rows = table(
        {
            "序号": ids("P", chosen + 1),
            "提交答卷时间": slashed_times(pretest.submitted_at[chosen]),
            "所用时间": ids_with_unit(pretest.duration[chosen], "秒"),
            "1、您对本次服务总体满意吗？": labels(pretest.csat[chosen] - 1, SATISFACTION_TEXT),
            "2、您通过哪种方式联系我们？": labels(pretest.contact[chosen], CONTACT_TEXT),
            "3、有没有看不懂的题目？": labels(pretest.is_unclear[chosen].astype(np.int64), ("没有", "有")),
        }
    )
    tally.add_records("survey.pretest_responses", night, PRETEST_FILE.write(folder, rows))
    tally.add_rows("survey_response", night, rows.num_rows)
    tally.add_rows("survey_answer", night, _answer_cells(rows, rows.column_names[3:], ()))


def _completed_next_night(night: int, invitations: Invitations, responses: Responses) -> Ints:
    """An honest response of the following night that had been begun, and delivered unfinished, in this one."""
    if night in (0, len(NIGHTS) - 1):
        return np.zeros(0, np.int64)
    start, stop = window(night + 1)
    in_time = (responses.submitted_at >= start + 7_200) & (responses.submitted_at < stop)
    begun = in_time & (invitations.sent_at[responses.invitation] < start - 7_200)
    varied = longest_runs(responses.block) < SHORT_BLOCK
    return np.flatnonzero(begun & varied & (responses.kind == NOTHING) & responses.is_complete)[:1]
