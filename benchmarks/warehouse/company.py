"""Agents, teams, products and customers of a company of any size, as SELECTs; the same for the same size."""

from __future__ import annotations

AGENTS, TEAMS, PRODUCTS = 300, 20, 200
TICKETS_PER_CUSTOMER = 5
FIRST_DAY = "timestamp '2023-07-01'"


def company(customers: int) -> dict[str, str]:
    """Entity -> SELECT of its clean rows. Every tenth customer rose a tier at the beginning of 2026."""
    customer = f"""
        select 'C' || i as customer_id, version,
               ['vip', 'key_account', 'standard', 'standard', 'standard', 'standard']
                   [1 + greatest(h % 6 - version, 0)] as tier,
               if(h % 2 = 0, 'company', 'person') as customer_type,
               ['east', 'south', 'north', 'central', 'southwest'][1 + h // 7 % 5] as region,
               ['retail', 'logistics', 'education'][1 + h // 37 % 3] as industry,
               date '2022-01-01' + (h % 1500)::integer as acquired_date,
               timestamp '2022-01-01' + to_days((h % 400)::integer) + to_days(version * 1400) as updated_at
        from (select i, (hash(i) % 1000003)::integer as h from range({customers}) t(i)) as one,
             (values (0), (1)) as versions(version)
        where version = 0 or h % 10 = 0
    """
    return {
        "agent": f"""
            select 'A' || i as agent_id, 'T' || (i % {TEAMS}) as team_id, if(i % 20 = 0, 'bot', 'agent') as role,
                   timestamp '2022-01-01' as updated_at
            from range({AGENTS}) t(i)
        """,
        "team": f"""
            select 'T' || i as team_id, 'Team ' || i as name, timestamp '2022-01-01' as updated_at
            from range({TEAMS}) t(i)
        """,
        "product": f"""
            select 'P' || i as product_id, 'Product ' || i as name, 'line ' || (i % 5) as product_line,
                   timestamp '2022-01-01' as updated_at
            from range({PRODUCTS}) t(i)
        """,
        "customer": customer,
    }
