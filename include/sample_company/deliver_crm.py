"""Export files of the CRM: customers, products, contracts and orders."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from include.sample_company import assumptions as a
from include.sample_company import personal
from include.sample_company.commerce import (
    PRODUCTS,
    Contracts,
    Orders,
    contracts_changed_at,
    orders_changed_at,
)
from include.sample_company.customers import Customers, in_snapshot, tier_at
from include.sample_company.defects import spread_apart, spread_rows
from include.sample_company.deliver_desk import UNKNOWN_PRODUCT, too_long
from include.sample_company.export_text import (
    ExportFile,
    changed,
    dates,
    ids,
    labels,
    money,
    numbers,
    offset_times,
    picked,
    slashed_times,
    table,
    utc_times,
)
from include.sample_company.nights import CUTS, DAY, HISTORY_DAY, NIGHTS, Ints, local_day, window
from include.sample_company.tally import Tally

CUSTOMERS_FILE = ExportFile("客户.csv", "utf-8-sig")
PRODUCTS_FILE = ExportFile("products.csv")
CONTRACTS_FILE = ExportFile("contracts.csv", delimiter=";")
ORDERS_FILE = ExportFile("orders.csv")

TIER_TEXT = ("VIP客户", "重点客户", "普通客户")
TYPE_TEXT = ("企业", "个人")
REGION_TEXT = ("华东", "华南", "华北", "华中", "西南", "东北")
INDUSTRY_TEXT = ("制造", "零售", "医疗", "教育", "物流", "家庭用户")
LINE_TEXT = ("空调", "净水设备", "压缩机", "智能门锁", "充电桩")
REASON_TEXT = ("价格", "服务质量", "竞品", "停业", "欠费")
CURRENCY_TEXT = ("人民币", "USD")
ORDER_CHANNEL_TEXT = ("Marketplace", "Web shop", "Store", "Direct sales")
UNKNOWN_CUSTOMER = 7_000_000


def acquired_days(customers: Customers, contracts: Contracts, orders: Orders) -> Ints:
    """First day of business of every customer; for a prospect the day it became known."""
    far = HISTORY_DAY + 9_999
    first = np.full(len(customers), far)
    np.minimum.at(first, contracts.customer, contracts.start_day)
    np.minimum.at(first, orders.customer, local_day(orders.ordered_at))
    known_since = np.where(first == far, HISTORY_DAY - 30 - np.arange(len(customers)) % 700, first)
    # Whom the history already holds was won before it, also if the first order came later.
    return np.where(customers.is_new, known_since, np.minimum(known_since, HISTORY_DAY - 1))


def unknown_customer_orders(rng: np.random.Generator, orders: Orders) -> Ints:
    """Orders whose customer the CRM's customer list lacks; disjoint from those of an unknown product."""
    old = np.flatnonzero(orders.ordered_at < CUTS[0])
    return spread_rows(rng, "order_unknown_customer", old[old % 2 == 0], len(old), 0)


def unknown_product_orders(rng: np.random.Generator, orders: Orders) -> Ints:
    """Orders of a product that the product list lacks."""
    old = np.flatnonzero(orders.ordered_at < CUTS[0])
    return spread_rows(rng, "order_unknown_product", old[old % 2 == 1], len(old), 0)


def deliver_crm(
    folder: Path,
    rng: np.random.Generator,
    customers: Customers,
    contracts: Contracts,
    orders: Orders,
    strangers: Ints,
    oddities: Ints,
    tally: Tally,
) -> None:
    """Write every delivery of the CRM into `folder`/<night>/; strangers and oddities are orders (indices)."""
    acquired = acquired_days(customers, contracts, orders)
    for night, day in enumerate(NIGHTS):
        target = folder / day.isoformat()
        _deliver_customers(target, rng, night, customers, acquired, tally)
        _deliver_products(target, night, tally)
        _deliver_contracts(target, night, contracts, tally)
        _deliver_orders(target, rng, night, orders, strangers, oddities, tally)


def _deliver_customers(
    folder: Path, rng: np.random.Generator, night: int, customers: Customers, acquired: Ints, tally: Tally
) -> None:
    chosen = np.flatnonzero(in_snapshot(customers, night))
    take = pa.array(chosen)
    altered = customers.changed_in[chosen]
    stamp = np.where((altered > 0) & (altered <= night), CUTS[np.maximum(altered, 0)] - 8 * 3600, 0)
    created = (np.maximum(acquired[chosen], HISTORY_DAY - 700) * DAY) + 2 * 3600
    survivor = customers.survivor[chosen]
    rows = table(
        {
            "客户编号": personal.customer_numbers(chosen),
            "客户名称": personal.customer_names(customers).take(take),
            "邮箱": personal.customer_emails(customers).take(take),
            "电话": personal.customer_phones(chosen),
            "客户等级": labels(tier_at(customers, night)[chosen], TIER_TEXT),
            "客户类型": labels(customers.is_person[chosen].astype(np.int64), TYPE_TEXT),
            "区域": labels(customers.region[chosen], REGION_TEXT),
            "行业": picked(
                chosen % 29 == 3,
                pa.array(["-"] * len(chosen)),
                labels(customers.industry[chosen], INDUSTRY_TEXT),
            ),
            "获客日期": dates(acquired[chosen], "%Y/%m/%d"),
            "合并至": personal.customer_numbers(np.where(survivor == chosen, -1, survivor)),
            "更新时间": slashed_times(np.maximum(stamp, created)),
        }
    )
    copies = spread_rows(rng, "customer_duplicate", np.arange(len(chosen)), len(chosen), night)
    keyless = changed(rows.slice(5, 1), 客户编号=None)
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), keyless])
    tally.add_records("crm.customers", night, CUSTOMERS_FILE.write(folder, everything))
    for entity in ("customer", "customer_identity"):
        tally.add_rows(entity, night, everything.num_rows)
        tally.add_defects(entity, night, crm_duplicate_in_batch=len(copies), crm_missing_key=1)
    gone = (customers.deleted_from == night).sum()
    tally.add_defects(
        "customer",
        night,
        snapshot_deleted=int(gone),
        tier_changed=int((customers.changed_in == night).sum()),
        new=int((customers.since == night).sum()) if night else 0,
        merged=int((survivor != chosen).sum()),
    )


def _deliver_products(folder: Path, night: int, tally: Tally) -> None:
    product = np.arange(PRODUCTS)
    line = product // a.MODELS_PER_LINE
    model = ids("M", product + 10)
    rows = table(
        {
            "product_id": ids("P", product + 1001),
            "product_name": pa.array([f"{LINE_TEXT[n]} {m}" for n, m in zip(line, model.to_pylist(), strict=True)]),
            "line": labels(line, a.PRODUCT_LINES),
            "model": model,
            "updated": dates(np.full(PRODUCTS, HISTORY_DAY - 300)),
        }
    )
    tally.add_records("crm.products", night, PRODUCTS_FILE.write(folder, rows))
    tally.add_rows("product", night, rows.num_rows)


def _deliver_contracts(folder: Path, night: int, contracts: Contracts, tally: Tally) -> None:
    start, stop = window(night)
    last = contracts_changed_at(contracts, stop)
    chosen = np.flatnonzero((last >= start) & (last < stop))
    noticed = contracts.notice_at[chosen] < stop
    ended = contracts.end_noted_at[chosen] < stop
    end = np.where(noticed, contracts.notice_end_day[chosen], contracts.end_day[chosen])
    reason = np.where(ended, contracts.end_reason[chosen], np.where(noticed, 0, -1))
    voluntary = np.where(reason >= 0, np.where(noticed, 1, contracts.is_voluntary[chosen]), -1)
    renews = contracts.renews[chosen]
    rows = table(
        {
            "contract_no": ids("HT", chosen + 10_001),
            "customer_no": personal.customer_numbers(contracts.customer[chosen]),
            "product_no": ids("P", contracts.product[chosen] + 1001),
            "start": dates(contracts.start_day[chosen], "%Y%m%d"),
            "end": dates(end, "%Y%m%d"),
            "billing_months": numbers(contracts.billing_months[chosen]),
            "monthly_fee": money(contracts.amount[chosen], thousands=True, unit="元"),
            "monthly_service_cost": money(contracts.cost[chosen]),
            "currency": labels(contracts.currency[chosen], CURRENCY_TEXT),
            "renews": ids("HT", np.where(renews >= 0, renews + 10_001, -1)),
            "end_reason": labels(reason, REASON_TEXT),
            "voluntary": labels(voluntary, ("N", "Y")),
            "modified": offset_times(last[chosen]),
        }
    )
    negative = rows.slice(0, 0)
    if night == 0:
        negative = changed(rows.slice(3, 2), contract_no=ids("HTN", np.array([1, 2])), monthly_fee="-100.00元")
    everything = pa.concat_tables([rows, negative])
    tally.add_records("crm.contracts", night, CONTRACTS_FILE.write(folder, everything))
    tally.add_rows("contract", night, everything.num_rows)
    tally.add_defects("contract", night, negative_amount=negative.num_rows, notice_given=int(noticed.sum()))


def _deliver_orders(
    folder: Path,
    rng: np.random.Generator,
    night: int,
    orders: Orders,
    strangers: Ints,
    oddities: Ints,
    tally: Tally,
) -> None:
    start, stop = window(night)
    last = orders_changed_at(orders, stop)
    chosen = np.flatnonzero((last >= start) & (last < stop))
    odd = np.isin(chosen, oddities)
    strange = np.isin(chosen, strangers)
    delivered = np.where(orders.delivered_at[chosen] < stop, local_day(orders.delivered_at[chosen]), -1)
    customer = np.where(strange, UNKNOWN_CUSTOMER + chosen, orders.customer[chosen])
    product = np.where(odd, UNKNOWN_PRODUCT + chosen % 2, orders.product[chosen])
    refund = np.where(orders.refunded_at[chosen] < stop, orders.refund[chosen], 0)
    voided = (orders.voided_at[chosen] < stop).astype(np.int64)
    rows = table(
        {
            "Order ID": ids("SO", chosen + 700_001),
            "Account ID": personal.customer_numbers(customer),
            "Product ID": ids("P", product + 1001),
            "Order Date": utc_times(orders.ordered_at[chosen]),
            "Amount": money(orders.amount[chosen]),
            "Cost": money(orders.cost[chosen]),
            "Refund": money(refund),
            "Currency": labels(orders.currency[chosen], ("CNY", "USD")),
            "Channel": labels(orders.channel[chosen], ORDER_CHANNEL_TEXT),
            "Promised": dates(orders.promised_day[chosen]),
            "Delivered": dates(delivered),
            "Correct": labels(np.where(delivered >= 0, orders.is_correct[chosen], -1).astype(np.int64), ("0", "1")),
            "Last Modified": utc_times(last[chosen]),
            "Deleted": labels(voided, ("false", "true")),
        }
    )
    plain = np.flatnonzero(~odd & ~strange & (voided == 0))
    copies, below = spread_apart(rng, ("order_duplicate", "order_negative"), plain, len(chosen), night)
    negative = changed(
        rows.take(pa.array(below)),
        **{
            "Order ID": ids("SON", 1000 * night + np.arange(len(below))),
            "Amount": "-88.00",
            "Refund": "0.00",
        },
    )
    everything = pa.concat_tables([rows, rows.take(pa.array(copies)), negative])
    broken = too_long(everything, night)
    records = ORDERS_FILE.write(folder, everything, broken)
    tally.add_records("crm.orders", night, records)
    tally.add_rows("order", night, records)
    tally.add_defects(
        "order",
        night,
        duplicate_in_batch=len(copies),
        negative_amount=len(below),
        unknown_customer=int(strange.sum()),
        unknown_product=int(odd.sum()),
        unparsable_line=len(broken),
        soft_deleted=int(voided.sum()),
        refunded=int((refund > 0).sum()),
    )
