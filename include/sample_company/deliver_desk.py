"""Export files of the ticket system: tickets, events, requesters, agents and teams."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.sample_company import assumptions as a
from include.sample_company import personal
from include.sample_company.customers import Customers, Flags, People, in_snapshot
from include.sample_company.defects import defect_count, spread_apart, spread_rows
from include.sample_company.export_text import (
    ExportFile,
    Rows,
    changed,
    dates,
    ids,
    labels,
    numbers,
    offset_times,
    picked,
    slashed_times,
    table,
    utc_times,
)
from include.sample_company.nights import (
    CUTS,
    DAY,
    HISTORY_DAY,
    NEVER,
    NIGHTS,
    Ints,
    day_number,
    local_midnight,
    night_of,
    window,
)
from include.sample_company.surveys import Invitations
from include.sample_company.tally import Tally
from include.sample_company.ticket_events import ACTORS, TEAM_VALUES, TYPE, Events, Summary, summarise
from include.sample_company.tickets import BOT_AGENT, NORMAL, TEAMS, Tickets, team_sizes

TICKETS_FILE = ExportFile("工单导出.csv", "gb18030", line_end="\r\n")
EVENTS_FILE = ExportFile("ticket_events.csv")
USERS_FILE = ExportFile("users.csv")
AGENTS_FILE = ExportFile("agents.csv")
TEAMS_FILE = ExportFile("teams.csv")

STATUS_TEXT = ("新建", "处理中", "待客户回复", "挂起", "已解决", "已关闭", "已删除")
EVENT_STATUS_TEXT = ("new", "open", "pending", "hold", "solved", "closed", "deleted")
PRIORITY_TEXT = ("低", "中", "高", "紧急")
CHANNEL_TEXT = ("电话", "微信", "在线客服", "邮件", "网页", "门店")
CHANNEL_TEXT_BEFORE_2025 = ("Phone", "WeChat", "Chat", "Email", "Web", "Store")
ISSUE_TEXT = ("故障报修", "安装", "使用咨询", "退换货", "账单", "物流", "其他")
EXCLUSION_TEXT = ("垃圾", "测试", "取消")
EVENT_TYPE_TEXT = (
    "created",
    "status_change",
    "assignment",
    "agent_reply",
    "customer_reply",
    "auto_reply",
    "bot_reply",
    "handover",
    "internal_note",
    "escalation",
    "reopen",
    "merge",
    "transfer",
    "call",
    "complaint",
)
UNKNOWN_USER, UNKNOWN_PRODUCT, UNKNOWN_TICKET = 9_000_000, 900, 8_000_000
SWITCH_OF_SPELLING = int(local_midnight(day_number(date(2025, 1, 1))))


@dataclass(frozen=True)
class DeskDefects:
    """Defects that stay with a ticket or event in every delivery of it (indices), known to the truth."""

    resolved_before_created: Ints
    response_before_created: Ints
    unknown_customer: Ints
    unknown_product: Ints
    delayed: Ints  # tickets whose row comes one night late


def choose_desk_defects(rng: np.random.Generator, tickets: Tickets, events: Events) -> DeskDefects:
    """Disjoint tickets for every defect; none of them is changed again after its first delivery's night."""
    changed_at = summarise(tickets, events, int(CUTS[-1])).changed_at
    plain = (tickets.exclusion == NORMAL) & (tickets.merged_into < 0) & (tickets.deleted_at == NEVER)
    plain[tickets.merged_into[tickets.merged_into >= 0]] = False
    plain &= ~tickets.closed_without_resolution
    old = plain & (changed_at < CUTS[0])
    count = int((tickets.created_at < CUTS[0]).sum())
    done = np.flatnonzero(old & (tickets.closes < CUTS[0]).any(axis=1) & (tickets.responded_at < CUTS[0]))
    done = rng.permutation(done)
    names = ("resolved_before_created", "response_before_created", "unknown_customer", "unknown_product")
    many = [defect_count(name, count, 0) for name in names]
    bounds = np.cumsum([0, *many])
    resolved, answered, customer, product = (np.sort(done[i:j]) for i, j in pairwise(bounds))
    created_in = night_of(tickets.created_at)
    changed_in = night_of(changed_at)
    delayed = []
    for night in (1, 2):
        fresh = np.flatnonzero(plain & (created_in == night) & (changed_in >= night))
        customer = np.append(customer, fresh[:1])
        delayed.append(fresh[1 : 2 + len(fresh) // 8])
    return DeskDefects(resolved, answered, customer, product, np.concatenate(delayed))


def deliver_desk(
    folder: Path,
    rng: np.random.Generator,
    scale: float,
    customers: Customers,
    people: People,
    first: Ints,
    tickets: Tickets,
    events: Events,
    defects: DeskDefects,
    machine: Ints,
    tally: Tally,
) -> None:
    """Write every delivery of the ticket system into `folder`/<night>/; `machine` is the asset of every ticket."""
    orphans = _orphaned_later(tickets, defects)
    for night, day in enumerate(NIGHTS):
        target = folder / day.isoformat()
        _deliver_tickets(target, rng, night, tickets, events, defects, machine, tally)
        _deliver_events(target, rng, night, events, orphans[night], tally)
        _deliver_users(target, night, customers, people, first, tally)
        _deliver_staff(target, scale, night, tally)


def _orphaned_later(tickets: Tickets, defects: DeskDefects) -> list[Flags]:
    """For every night the tickets whose events come before the ticket itself."""
    first = night_of(tickets.created_at)
    missing = []
    for night in range(len(NIGHTS)):
        flags = np.zeros(len(tickets), bool)
        flags[defects.delayed[first[defects.delayed] == night]] = True
        missing.append(flags)
    return missing


def told_products(tickets: Tickets, defects: DeskDefects, chosen: Ints) -> Ints:
    """The product that the export names for the chosen tickets: -1 none, UNKNOWN_PRODUCT and above an unknown one."""
    strange = np.isin(chosen, defects.unknown_product)
    product = np.where(strange, UNKNOWN_PRODUCT + chosen % 3, tickets.product[chosen])
    return np.where((chosen % 41 == 7) & ~strange, -1, product)


def _ticket_rows(tickets: Tickets, summary: Summary, chosen: Ints, defects: DeskDefects, machine: Ints) -> Rows:
    """The export's rows of the chosen tickets, defects of single tickets included."""
    created = tickets.created_at[chosen]
    resolved, responded = summary.resolved_at[chosen], summary.responded_at[chosen]
    early = np.isin(chosen, defects.resolved_before_created) & (resolved < NEVER)
    resolved = np.where(early, created - 2 * DAY, resolved)
    early = np.isin(chosen, defects.response_before_created) & (responded < NEVER)
    responded = np.where(early, created - 3_600, responded)
    unknown = np.isin(chosen, defects.unknown_customer)
    user = np.where(unknown, UNKNOWN_USER + chosen, tickets.person[chosen])
    product = told_products(tickets, defects, chosen)
    old_spelling = created < SWITCH_OF_SPELLING
    channel = tickets.channel[chosen]
    product_ids = ids("P", product + np.where(product >= 0, 1001, 0))
    return table(
        {
            "工单编号": personal.ticket_numbers(chosen),
            "用户ID": personal.user_numbers(user),
            "产品编号": picked(product < 0, pa.array(["N/A"] * len(chosen)), product_ids),
            "设备编号": personal.asset_numbers(machine[chosen]),
            "受理客服": ids("A", summary.agent[chosen]),
            "受理组": ids("T", summary.team[chosen]),
            "状态": labels(summary.status[chosen], STATUS_TEXT),
            "优先级": labels(tickets.priority[chosen], PRIORITY_TEXT),
            "渠道": picked(old_spelling, labels(channel, CHANNEL_TEXT_BEFORE_2025), labels(channel, CHANNEL_TEXT)),
            "问题类型": labels(tickets.issue_type[chosen], ISSUE_TEXT),
            "创建时间": slashed_times(created),
            "首次响应时间": slashed_times(responded),
            "解决时间": slashed_times(resolved),
            "关闭时间": slashed_times(summary.closed_at[chosen]),
            "重开次数": numbers(summary.reopen_count[chosen]),
            "是否投诉": labels(tickets.is_complaint[chosen].astype(np.int64), ("否", "是")),
            "不计原因": labels(tickets.exclusion[chosen], EXCLUSION_TEXT),
            "客服创建": labels(tickets.is_agent_created[chosen].astype(np.int64), ("否", "是")),
            "合并至": personal.ticket_numbers(np.where(summary.is_merged[chosen], tickets.merged_into[chosen], -1)),
            "标题": labels(chosen % len(personal.SUBJECTS), personal.SUBJECTS),
            "描述": labels(chosen * 5 % 13 % len(personal.DESCRIPTIONS), personal.DESCRIPTIONS),
            "更新时间": slashed_times(summary.changed_at[chosen]),
            "浏览次数": numbers(chosen % 17),
        }
    )


def delivered_tickets(tickets: Tickets, summary: Summary, night: int, delayed: Ints) -> Ints:
    """Tickets whose rows a night's file holds: those changed that day, and those that were late."""
    start, stop = window(night)
    changed_today = (summary.changed_at >= start) & (summary.changed_at < stop)
    first = night_of(tickets.created_at)
    late = np.zeros(len(tickets), bool)
    late[delayed] = True
    return np.flatnonzero((changed_today & ~(late & (first == night))) | (late & (first == night - 1)))


def _deliver_tickets(
    folder: Path,
    rng: np.random.Generator,
    night: int,
    tickets: Tickets,
    events: Events,
    defects: DeskDefects,
    machine: Ints,
    tally: Tally,
) -> None:
    summary = summarise(tickets, events, int(CUTS[night]))
    chosen = delivered_tickets(tickets, summary, night, defects.delayed)
    rows = _ticket_rows(tickets, summary, chosen, defects, machine)
    special = np.concatenate([defects.resolved_before_created, defects.response_before_created])
    special = np.concatenate([special, defects.unknown_customer, defects.unknown_product])
    plain = np.flatnonzero(
        ~np.isin(chosen, special) & ~tickets.closed_without_resolution[chosen] & (tickets.exclusion[chosen] == NORMAL)
    )
    total = len(chosen)
    names = ("ticket_duplicate", "ticket_missing_key", "ticket_future")
    copies, keyless, future = spread_apart(rng, names, plain, total, night)
    future_ids = ids("GDF", 1000 * night + np.arange(len(future)))
    cut = np.full(len(future), CUTS[night])
    ahead = changed(
        rows.take(pa.array(future)),
        工单编号=future_ids,
        创建时间=slashed_times(cut + 90 * DAY),
        状态="新建",
        首次响应时间=None,
        解决时间=None,
        关闭时间=None,
        合并至=None,
        是否投诉="否",
        更新时间=slashed_times(cut - 3_600),
    )
    nameless = changed(rows.take(pa.array(keyless)), 工单编号=None)
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), nameless, ahead])
    broken = too_long(everything, night)
    records = TICKETS_FILE.write(folder, everything, broken)
    tally.add_records("desk.tickets", night, records)
    tally.add_rows("ticket", night, records)
    ended = (summary.status[chosen] == a.CLOSED) & (summary.resolved_at[chosen] == NEVER)
    tally.add_defects(
        "ticket",
        night,
        duplicate_in_batch=len(copies),
        missing_key=len(keyless),
        future_time=len(future),
        unparsable_line=len(broken),
        resolved_before_created=int((np.isin(chosen, defects.resolved_before_created)).sum()),
        response_before_created=int((np.isin(chosen, defects.response_before_created)).sum()),
        closed_without_resolution=int(ended.sum()),
        unknown_customer=int(np.isin(chosen, defects.unknown_customer).sum()),
        unknown_product=int(np.isin(chosen, defects.unknown_product).sum()),
        no_product=int(everything["产品编号"].to_pylist().count("N/A")),
        arrived_late=int(np.isin(chosen, defects.delayed).sum()) if night else 0,
        soft_deleted=int((summary.status[chosen] == a.DELETED).sum()),
        merged=int(summary.is_merged[chosen].sum()),
    )


def too_long(rows: Rows, night: int) -> list[list[str]]:
    """Lines with more cells than the header: two in the history, one in a night; none in an empty file."""
    if not rows.num_rows:
        return []
    first = [cell or "" for cell in (column[0].as_py() for column in rows.columns)]
    return [[*first, "多余", "列"]] * (2 if night == 0 else 1)


def event_rows(events: Events, numbers_: Ints) -> Rows:
    """The export's rows of events; `numbers_` are the events' own numbers."""
    value_texts = [
        *EVENT_STATUS_TEXT,
        *[None] * (TEAM_VALUES - len(EVENT_STATUS_TEXT)),
        *[f"T{n}" for n in range(TEAMS)],
    ]
    spoken = np.where(events.actor == ACTORS.index("customer"), numbers_ % len(personal.CUSTOMER_WORDS), -1)
    said = np.isin(events.type, [TYPE["agent_message"], TYPE["note"]])
    written = np.where(said, numbers_ % len(personal.AGENT_WORDS), -1)
    customer_spoke = events.type == TYPE["customer_message"]
    return table(
        {
            "event_id": ids("E", numbers_),
            "ticket_id": personal.ticket_numbers(events.ticket),
            "type": labels(events.type, EVENT_TYPE_TEXT),
            "occurred_at": picked(events.ticket % 2 == 0, utc_times(events.time), offset_times(events.time)),
            "actor": labels(events.actor, ACTORS),
            "agent_id": ids("A", events.agent),
            "public": labels(events.is_public.astype(np.int64), ("false", "true")),
            "from": labels(events.before, value_texts),
            "to": labels(events.after, value_texts),
            "body": picked(
                customer_spoke, labels(spoken, personal.CUSTOMER_WORDS), labels(written, personal.AGENT_WORDS)
            ),
        }
    )


def _deliver_events(
    folder: Path, rng: np.random.Generator, night: int, events: Events, waiting: Flags, tally: Tally
) -> None:
    start, stop = window(night)
    first, last = np.searchsorted(events.time, [start, stop])
    chosen = np.arange(first, last)
    own = chosen + 1_000_001
    total = len(chosen)
    harmless = np.flatnonzero((events.type[chosen] == TYPE["note"]) & ~waiting[events.ticket[chosen]])
    ordinary = np.flatnonzero(~waiting[events.ticket[chosen]])
    copies = spread_rows(rng, "event_duplicate", ordinary, total, night)
    lost = spread_rows(rng, "event_orphan", np.setdiff1d(ordinary, copies), total, night)
    ahead = spread_rows(rng, "event_future", np.setdiff1d(harmless, np.append(copies, lost)), total, night)
    extra_number = 500_000_000 + 100_000 * night

    rows = event_rows(events.rows(chosen), own)
    copied = rows.take(pa.array(copies))
    orphaned = changed(
        rows.take(pa.array(lost)),
        event_id=ids("E", extra_number + np.arange(len(lost))),
        ticket_id=personal.ticket_numbers(UNKNOWN_TICKET + night * 1000 + np.arange(len(lost))),
    )
    early = changed(
        rows.take(pa.array(ahead)),
        event_id=ids("E", extra_number + 50_000 + np.arange(len(ahead))),
        occurred_at=utc_times(np.full(len(ahead), CUTS[night] + 40 * DAY)),
    )
    keyless = changed(rows.take(pa.array(harmless[:1])), event_id=None)
    everything = pa.concat_tables([rows, copied, orphaned, early, keyless])
    broken = too_long(everything, night)
    records = EVENTS_FILE.write(folder, everything, broken)
    tally.add_records("desk.ticket_events", night, records)
    tally.add_rows("ticket_event", night, records)
    tally.add_defects(
        "ticket_event",
        night,
        duplicate_in_batch=len(copies),
        orphan_event_never=len(lost),
        orphan_event_later=int(waiting[events.ticket[chosen]].sum()),
        future_time=len(ahead),
        missing_key=keyless.num_rows,
        unparsable_line=len(broken),
    )


def _deliver_users(folder: Path, night: int, customers: Customers, people: People, first: Ints, tally: Tally) -> None:
    there = known_people(customers, people, first, night)
    chosen = np.flatnonzero(there)
    joins = personal.desk_identities(customers, people)
    rows = table(
        {
            "user_id": personal.user_numbers(chosen),
            "crm_id": joins["external_id"].take(pa.array(chosen)),
            "email": joins["email"].take(pa.array(chosen)),
            "phone": joins["phone"].take(pa.array(chosen)),
            "display_name": personal.person_names(chosen),
        }
    )
    tally.add_records("desk.users", night, USERS_FILE.write(folder, rows))
    tally.add_rows("customer_identity", night, rows.num_rows)


def first_seen(people: People, tickets: Tickets, invitations: Invitations) -> Ints:
    """Delivery in which each person appears: that of the first ticket or invitation; at once without either."""
    first = np.full(len(people), len(NIGHTS))
    np.minimum.at(first, tickets.person, night_of(tickets.created_at))
    np.minimum.at(first, invitations.person, night_of(invitations.sent_at))
    return np.where(first == len(NIGHTS), 0, first)


def known_people(customers: Customers, people: People, first: Ints, night: int) -> Flags:
    """Who has a record in the ticket system and the survey tool at the end of a night."""
    appeared = np.maximum(first, customers.since[people.customer]) <= night
    return appeared & in_snapshot(customers, night)[people.customer]


def _deliver_staff(folder: Path, scale: float, night: int, tally: Tally) -> None:
    """Agents and teams; one agent joins in the second night, teams never change."""
    sizes = team_sizes(scale)
    team_of = np.repeat(np.arange(TEAMS), sizes)
    agents = np.arange(1, len(team_of) + 1)
    joined = 1 if night >= 2 else 0
    number = np.concatenate([[BOT_AGENT], agents, np.full(joined, len(agents) + 1)])
    team = np.concatenate([[-1], team_of, np.zeros(joined, np.int64)])
    lead = np.concatenate([[2], (agents - 1) % sizes[0] == 0, np.zeros(joined)]).astype(np.int64)
    active = np.where((number % 23 == 22) & (number > 0), 0, 1)
    rows = table(
        {
            "agent_id": ids("A", number),
            "name": picked(
                number == BOT_AGENT, pa.array(["智能助手"] * len(number)), personal.person_names(number + 5)
            ),
            "team_id": ids("T", team),
            "role": labels(np.where(number == BOT_AGENT, 2, lead), ("客服", "组长", "机器人")),
            "active": labels(active, ("N", "Y")),
            "updated": dates(np.where(number > len(agents), HISTORY_DAY + 2, HISTORY_DAY - 400)),
        }
    )
    tally.add_records("desk.agents", night, AGENTS_FILE.write(folder, rows))
    tally.add_rows("agent", night, rows.num_rows)
    region = np.arange(TEAMS)
    names = [f"{place}售后组" for place in personal.PLACES] + ["全国热线", "VIP 专席"]
    teams = table(
        {
            "team_id": ids("T", region),
            "team_name": labels(region, names),
            "region": labels(np.where(region < len(a.REGIONS), region, -1), a.REGIONS),
            "time_zone": pa.array(["Asia/Shanghai"] * TEAMS),
            "updated": dates(np.full(TEAMS, HISTORY_DAY - 400)),
        }
    )
    tally.add_records("desk.teams", night, TEAMS_FILE.write(folder, teams))
    tally.add_rows("team", night, teams.num_rows)
