"""Contracts and orders of the company's customers, by which they are active, as SELECTs."""

from __future__ import annotations

from benchmarks.warehouse.company import FIRST_DAY, PRODUCTS


def purchases(customers: int) -> dict[str, str]:
    """Entity -> SELECT of its clean rows: three of four customers have a contract, half of them one that has ended."""
    one = f"(select i, (hash(i, 11) % 1000003)::integer as h from range({customers}) t(i))"
    return {
        "contract": f"""
            select 'N' || i as contract_id, 'C' || i as customer_id, 'P' || (h % {PRODUCTS}) as product_id,
                   date '2022-06-01' + (h % 900)::integer as start_date,
                   if(h % 2 = 0, start_date + (364 + h // 7 % 400)::integer, null) as end_date,
                   12 as billing_term_months, 100 + h % 900 as monthly_amount, 40 + h % 300 as monthly_cost,
                   'CNY' as currency, {FIRST_DAY} as updated_at
            from {one}
            where h % 4 <> 0
        """,
        "order": f"""
            select 'O' || i as order_id, 'C' || i as customer_id, 'P' || (h % {PRODUCTS}) as product_id,
                   {FIRST_DAY} + to_seconds((h % 1090) * 86400 + h % 80000) as ordered_at, 500 + h % 9000 as amount,
                   300 + h % 5000 as cost, 'CNY' as currency, ordered_at::date + 5 as promised_date,
                   ordered_at::date + (2 + h % 5)::integer as delivered_date, h % 50 <> 0 as is_correct,
                   ordered_at as updated_at
            from {one}
        """,
    }
