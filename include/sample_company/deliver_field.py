"""Export files of the field-service system: visits, machines and engineers in English, call-backs in Chinese."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from include.sample_company import assumptions as a
from include.sample_company import personal
from include.sample_company.defects import spread_apart
from include.sample_company.deliver_desk import UNKNOWN_TICKET, too_long
from include.sample_company.export_text import (
    ExportFile,
    Rows,
    changed,
    dates,
    dotted_times,
    ids,
    labels,
    numbers,
    offset_times,
    slashed_times,
    table,
)
from include.sample_company.field import (
    CANCELLED,
    MISSED,
    NO_ACCESS,
    NONE,
    Assets,
    CallBacks,
    FieldDefects,
    Visits,
    call_backs_changed_at,
    engineers_per_team,
    visits_changed_at,
)
from include.sample_company.nights import CUTS, DAY, HISTORY_DAY, NEVER, NIGHTS, Ints, night_of, window
from include.sample_company.tally import Tally

VISITS_FILE = ExportFile("visits.tsv", "utf-8-sig", delimiter="\t", line_end="\r\n")
CALLS_FILE = ExportFile("回访记录.csv", "gb18030", line_end="\r\n")
ASSETS_FILE = ExportFile("assets.tsv", "utf-8-sig", delimiter="\t", line_end="\r\n")
ENGINEERS_FILE = ExportFile("engineers.tsv", "utf-8-sig", delimiter="\t", line_end="\r\n")

OUTCOME_CODES = ("FIX", "RTN", "NOA", "CAN")
REASON_CODES = ("PART", "2MAN", "ABS")
STRAY_TICKET = UNKNOWN_TICKET + 500_000
DATES = "%d.%m.%Y"


def deliver_field(
    folder: Path,
    rng: np.random.Generator,
    scale: float,
    assets: Assets,
    visits: Visits,
    calls: CallBacks,
    defects: FieldDefects,
    tally: Tally,
) -> None:
    """Write every delivery of the field-service system into `folder`/<night>/."""
    for night, day in enumerate(NIGHTS):
        target = folder / day.isoformat()
        _deliver_visits(target, rng, night, visits, defects, tally)
        _deliver_calls(target, rng, night, calls, defects, tally)
        _deliver_assets(target, night, assets, defects, tally)
        _deliver_engineers(target, scale, night, tally)


def delivered_visits(visits: Visits, night: int, delayed: Ints) -> Ints:
    """Visits whose rows a night's file holds: those changed that day, and those whose change was late."""
    start, stop = window(night)
    last = visits_changed_at(visits, stop)
    late = np.zeros(len(visits), bool)
    late[delayed] = True
    final = night_of(visits_changed_at(visits, int(CUTS[-1])))
    chosen = (last >= start) & (last < stop) & ~(late & (final == night))
    return np.flatnonzero(chosen | (late & (final == night - 1)))


def _visit_rows(visits: Visits, chosen: Ints, cut: int, defects: FieldDefects) -> Rows:
    """The export's rows of the chosen visits as they stand before `cut`, defects of single visits included."""
    arrived = np.where(visits.arrived_at[chosen] < cut, visits.arrived_at[chosen], NEVER)
    finished = np.where(visits.finished_at[chosen] < cut, visits.finished_at[chosen], NEVER)
    finished = np.where(np.isin(chosen, defects.finished_before_arrived), arrived - 1_500, finished)
    outcome = visits.outcome[chosen]
    cancelled = visits.cancelled_at[chosen] < cut
    told = np.where((outcome <= NO_ACCESS) & (finished < NEVER), outcome, np.where(cancelled, CANCELLED, -1))
    told[outcome == MISSED] = -1
    reason = np.where(told >= 0, visits.reason[chosen], -1)
    first, last = visits.window_from[chosen], visits.window_to[chosen]
    turned = np.isin(chosen, defects.window_reversed)
    mistyped = np.isin(chosen, defects.unknown_ticket)
    ticket = np.where(mistyped, UNKNOWN_TICKET + 300_000 + chosen, visits.ticket[chosen])
    return table(
        {
            "VISIT_NO": ids("WO-", chosen + 500_001),
            "TICKET_REF": personal.ticket_numbers(ticket),
            "ASSET_NO": personal.asset_numbers(visits.asset[chosen]),
            "ENGINEER": ids("E", visits.engineer[chosen] + 101),
            "PROMISED_FROM": dotted_times(np.where(turned, last, first)),
            "PROMISED_TO": dotted_times(np.where(turned, first, last)),
            "ARRIVED": dotted_times(arrived),
            "FINISHED": dotted_times(finished),
            "RESULT": labels(told, OUTCOME_CODES),
            "RETURN_REASON": labels(reason, REASON_CODES),
            "CHANGED": dotted_times(visits_changed_at(visits, cut)[chosen]),
        }
    )


def _deliver_visits(
    folder: Path, rng: np.random.Generator, night: int, visits: Visits, defects: FieldDefects, tally: Tally
) -> None:
    cut = int(CUTS[night])
    chosen = delivered_visits(visits, night, defects.delayed)
    rows = _visit_rows(visits, chosen, cut, defects)
    special = np.concatenate([defects.finished_before_arrived, defects.window_reversed, defects.unknown_ticket])
    plain = np.flatnonzero(~np.isin(chosen, np.append(special, defects.delayed)))
    names = ("visit_duplicate", "visit_missing_key", "visit_future")
    copies, keyless, future = spread_apart(rng, names, plain, len(chosen), night)
    ahead = changed(
        rows.take(pa.array(future)),
        VISIT_NO=ids("WO-F", 1000 * night + np.arange(len(future))),
        ARRIVED=dotted_times(np.full(len(future), cut + 20 * DAY)),
        FINISHED=None,
        RESULT=None,
    )
    nameless = changed(rows.take(pa.array(keyless)), VISIT_NO=None)
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), nameless, ahead])
    broken = too_long(everything, night)
    records = VISITS_FILE.write(folder, everything, broken)
    tally.add_records("field.visits", night, records)
    tally.add_rows("visit", night, records)
    tally.add_defects(
        "visit",
        night,
        duplicate_in_batch=len(copies),
        missing_key=len(keyless),
        future_time=len(future),
        unparsable_line=len(broken),
        finished_before_arrived=int(np.isin(chosen, defects.finished_before_arrived).sum()),
        window_reversed=int(np.isin(chosen, defects.window_reversed).sum()),
        unknown_ticket=int(np.isin(chosen, defects.unknown_ticket).sum()),
        no_ticket=int((visits.ticket[chosen] == NONE).sum()),
        arrived_late=int(np.isin(chosen, defects.delayed).sum()) if night else 0,
    )


def _call_rows(calls: CallBacks, chosen: Ints, cut: int, defects: FieldDefects) -> Rows:
    """The export's rows of the chosen call-backs as they stand before `cut`."""
    contacted = np.where(calls.contacted_at[chosen] < cut, calls.contacted_at[chosen], NEVER)
    reached = np.where(contacted < NEVER, calls.reached[chosen], -1)
    confirmed = np.where(contacted < NEVER, calls.confirmed[chosen], -1)
    confirmed = np.where(np.isin(chosen, defects.confirmed_unreached), 1, confirmed)
    ticket = np.where(calls.is_about_nothing[chosen], STRAY_TICKET + chosen, calls.ticket[chosen])
    said = np.where(reached == 1, np.where(confirmed == 0, 2, np.where(confirmed == 1, 0, 1)), -1)
    done = np.where((reached == 1) & (chosen % 7 != 0), chosen % len(personal.ACTIONS), -1)
    return table(
        {
            "回访单号": ids("HF", chosen + 30_001),
            "工单号": personal.ticket_numbers(ticket),
            "答卷序号": numbers(calls.response[chosen] + 1, calls.response[chosen] < 0),
            "回访客服": ids("A", calls.agent[chosen]),
            "应回访时间": slashed_times(calls.due_at[chosen]),
            "回访时间": slashed_times(contacted),
            "是否接通": labels(reached, ("未接通", "已接通")),
            "是否解决": labels(confirmed, ("未解决", "已解决")),
            "处理措施": labels(done, personal.ACTIONS),
            "回访结果": labels(said, ("满意", "一般", "不满意")),
            "客户反馈": labels(np.where(reached == 1, chosen % len(personal.CALL_NOTES), -1), personal.CALL_NOTES),
            "更新时间": offset_times(call_backs_changed_at(calls, cut)[chosen]),
        }
    )


def _deliver_calls(
    folder: Path, rng: np.random.Generator, night: int, calls: CallBacks, defects: FieldDefects, tally: Tally
) -> None:
    start, stop = window(night)
    last = call_backs_changed_at(calls, stop)
    chosen = np.flatnonzero((last >= start) & (last < stop))
    rows = _call_rows(calls, chosen, stop, defects)
    stray = calls.is_about_nothing[chosen]
    odd = np.isin(chosen, defects.confirmed_unreached)
    plain = np.flatnonzero(~stray & ~odd)
    names = ("call_duplicate", "call_missing_key", "call_future")
    copies, keyless, future = spread_apart(rng, names, plain, len(chosen), night)
    ahead = changed(
        rows.take(pa.array(future)),
        回访单号=ids("HFF", 1000 * night + np.arange(len(future))),
        回访时间=slashed_times(np.full(len(future), stop + 10 * DAY)),
        是否接通=None,
        是否解决=None,
    )
    nameless = changed(rows.take(pa.array(keyless)), 回访单号=None)
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), nameless, ahead])
    broken = too_long(everything, night)
    records = CALLS_FILE.write(folder, everything, broken)
    tally.add_records("field.call_backs", night, records)
    tally.add_rows("follow_up", night, records)
    tally.add_defects(
        "follow_up",
        night,
        duplicate_in_batch=len(copies),
        missing_key=len(keyless),
        future_time=len(future),
        unparsable_line=len(broken),
        unknown_ticket=int(stray.sum()),
        confirmed_unreached=int(odd.sum()),
        about_an_answer=int((calls.response[chosen] >= 0).sum()),
    )


def _asset_rows(night: int, assets: Assets, defects: FieldDefects) -> Rows:
    """The machines as a night's snapshot holds them."""
    today = HISTORY_DAY + night
    chosen = np.flatnonzero(assets.installed_day <= today)
    installed = assets.installed_day[chosen]
    warranty = np.where(np.isin(chosen, defects.warranty_reversed), installed - 30, assets.warranty_day[chosen])
    retired = np.where(assets.retired_day[chosen] <= today, assets.retired_day[chosen], -1)
    retired = np.where(np.isin(chosen, defects.retired_early), installed - 9, retired)
    return table(
        {
            "ASSET_NO": personal.asset_numbers(chosen),
            "SERIAL": ids("SN", 20_260_000 + 7 * chosen),
            "ACCOUNT": personal.customer_numbers(assets.customer[chosen]),
            "PRODUCT": ids("P", assets.product[chosen] + 1001),
            "INSTALLED": dates(installed, DATES),
            "WARRANTY_TO": dates(warranty, DATES),
            "RETIRED": dates(retired, DATES),
            "CHANGED": dates(np.maximum(installed, retired), DATES),
        }
    )


def _deliver_assets(folder: Path, night: int, assets: Assets, defects: FieldDefects, tally: Tally) -> None:
    rows = _asset_rows(night, assets, defects)
    tally.add_records("field.assets", night, ASSETS_FILE.write(folder, rows))
    tally.add_rows("asset", night, rows.num_rows)
    # A snapshot as the one before is not judged again.
    is_news = night == 0 or not rows.equals(_asset_rows(night - 1, assets, defects))
    tally.add_defects(
        "asset",
        night,
        warranty_reversed=len(defects.warranty_reversed) if is_news else 0,
        retired_before_installed=len(defects.retired_early) if is_news else 0,
    )


def _deliver_engineers(folder: Path, scale: float, night: int, tally: Tally) -> None:
    """Engineers of the regional teams; they never change."""
    own = engineers_per_team(scale)
    number = np.arange(own * len(a.REGIONS))
    rows = table(
        {
            "ENGINEER": ids("E", number + 101),
            "NAME": personal.person_names(number + 301),
            "TEAM": ids("T", number // own),
            "ACTIVE": labels((number % 13 != 12).astype(np.int64), ("N", "Y")),
            "CHANGED": dates(np.full(len(number), HISTORY_DAY - 380), DATES),
        }
    )
    tally.add_records("field.engineers", night, ENGINEERS_FILE.write(folder, rows))
    tally.add_rows("agent", night, rows.num_rows)
