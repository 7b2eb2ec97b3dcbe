"""Two questionnaires of twelve items and an open one, in three versions each, and what people answered, as SELECTs.

After a ticket (`transactional`) its customer is asked as soon as it is resolved; about the relationship any customer,
any day. Every second invitation is answered. Some answers are left out, some are 'not applicable'; a few responses and
answers are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.warehouse.company import FIRST_DAY, TICKETS_PER_CUSTOMER
from benchmarks.warehouse.select import values
from benchmarks.warehouse.tickets import LAST
from include.sql import in_list

# Version -> the first day on which it was sent.
VERSIONS = {1: "2023-01-01", 2: "2024-07-01", 3: "2025-07-01"}
TEXTS = (
    "服务态度差，等待太久",
    "流程复杂，反复说明问题",
    "The staff were rude",
    "Still not solved after three weeks",
    "一切都好，谢谢",
    "Thank you",
    "没有备件，人手不足",
    "希望改进",
)


@dataclass(frozen=True)
class Item:
    """A question: what it is called, its role in the metrics, and its scale in the latest version."""

    name: str
    role: str = "dimension"
    dimension: str | None = None
    low: int = 1
    high: int = 5
    direction: str = "higher_is_better"
    is_reverse_keyed: bool = False
    satisfied_min: int | None = None


COMMENT = Item("comment", "open")
ITEMS = {
    "service": (
        Item("quick", dimension="response_speed"),
        Item("waited", dimension="response_speed", is_reverse_keyed=True),
        Item("understood", dimension="professionalism"),
        Item("repeated", dimension="professionalism", is_reverse_keyed=True),
        Item("friendly", dimension="attitude"),
        Item("solved", dimension="problem_solving"),
        Item("tedious", dimension="problem_solving", is_reverse_keyed=True),
        Item("progress", dimension="transparency"),
        Item("followed_up", dimension="follow_up"),
        Item("csat", "csat", satisfied_min=4),
        Item("effort", "ces", high=7, direction="lower_is_better"),
        Item("first_try", "first_try", low=0, high=1),
        COMMENT,
    ),
    "relationship": (
        Item("nps", "nps", low=0, high=10),
        Item("csat", "csat"),
        Item("quality", dimension="product_quality"),
        Item("defects", dimension="product_quality", is_reverse_keyed=True),
        Item("price", dimension="price_perception"),
        Item("worth", dimension="price_perception"),
        Item("delivery", dimension="delivery_efficiency"),
        Item("support", dimension="after_sales_support"),
        Item("repair", dimension="after_sales_support"),
        Item("staff", dimension="professionalism"),
        Item("advice", dimension="professionalism"),
        Item("coordination", dimension="cross_team_coordination"),
        COMMENT,
    ),
}


def surveys(responses: int, tickets: str) -> dict[str, str]:
    """Entity -> SELECT of the clean rows of about so many responses.

    `tickets` is the relation of the clean rows of as many tickets (benchmarks/warehouse/tickets.py).
    """
    invited, answered = _invited(responses, tickets), _answered(responses, tickets)
    return {
        "survey": f"""
            select questionnaire || '_' || version as survey_id, questionnaire as survey_name,
                   if(questionnaire = 'service', 'transactional', 'relationship') as purpose, version::varchar as wave
            from ({values((name,) for name in ITEMS)}) q(questionnaire),
                 ({values((version,) for version in VERSIONS)}) v(version)
        """,
        "survey_question": _questions(),
        "survey_invitation": f"""
            select 'I' || i as invitation_id, survey_id, customer_id, ticket_id, channel,
                   if(h % 3 = 0, 'standard', null) as stratum, if(h % 3 = 0, 0.3, null) as sampling_probability,
                   sent_at, if(h % 40 = 1, null, is_delivered) as is_delivered,
                   coalesce(submitted_at, if(is_delivered and h // 41 % 4 = 0, sent_at + interval 3 hours, null))
                       as opened_at,
                   if(h // 43 % 3 = 0, sent_at + interval 2 days, null) as reminded_at, sent_at as updated_at
            from ({invited})
        """,
        # one of fifty came by no invitation, and one of two hundred of a source without times
        "survey_response": f"""
            select 'R' || i as response_id, survey_id, if(h % 50 = 0, null, 'I' || i) as invitation_id,
                   if(h % 50 = 0 or h % 2 = 0, customer_id, null) as customer_id,
                   if(h % 50 = 0, ticket_id, null) as ticket_id, if(h % 5 = 0, null, channel) as channel,
                   if(h % 12 = 0, 'en', 'zh') as language, 60 + h % 200 as duration_seconds,
                   timed_at - to_seconds(duration_seconds) as started_at, timed_at as submitted_at,
                   h // 7 % 20 <> 0 as is_complete, timed_at as updated_at, 10 + h % 4 as answered_count,
                   (h % 90 = 0)::integer as missing_required_count,
                   1 + h // 3 % 6 as longest_run, h % 211 / 100.0 as irv, 0.4 + h % 130 / 100.0 as relative_speed,
                   h // 5 % 3 as optional_gap_count, if(h % 4 = 0, null, h % 201 / 100.0 - 1) as even_odd,
                   if(h % 5 = 0, null, h % 997 / 20.0) as mahalanobis,
                   if(h % 3 = 0, null, h % 199 / 100.0 - 0.99) as psychometric_synonyms,
                   h // 17 % 4 as careless_sign_count, 100.0 - 25 * careless_sign_count as quality_score,
                   not h // 11 % 25 = 0 as is_counted,
                   if(is_counted, null, 'survey_response_straight_lined') as not_counted_rules,
                   case h // 13 % 40 when 0 then 'survey_response_constant_block,survey_response_unknown_customer'
                        when 1 then 'survey_response_unknown_customer' when 2 then 'survey_response_fast' end
                       as flag_rules
            from ({answered})
        """,
        "survey_answer": f"""
            select 'R' || i as response_id, question_id, answer_value,
                   if(metric_role = 'open', {_texts()}[1 + draw % {len(TEXTS)}], null) as answer_text,
                   is_not_applicable, timed_at as updated_at, draw % 100 <> 6 as is_counted
            from (
                select *,
                       case
                           when is_not_applicable or metric_role = 'open' then null
                           when metric_role = 'nps' then greatest(0, least(10, 2 * mood - 2 + draw % 4))
                           when metric_role = 'first_try' then (mood + draw % 2 > 3)::integer
                           when metric_role = 'ces' then greatest(1, least(scale_max, scale_max + 1 - mood - draw % 3))
                           when is_reverse_keyed then 6 - feeling
                           else feeling
                       end as answer_value
                from (
                    select answered.*, question_id, metric_role, is_reverse_keyed, scale_max,
                           (hash(i, question_id) % 1000003)::integer as draw,
                           metric_role = 'dimension' and draw % 100 between 3 and 4 as is_not_applicable,
                           greatest(1, least(5, mood + [0, 0, 0, 0, -1, 1][1 + draw // 101 % 6])) as feeling
                    from ({answered}) as answered
                    join ({_questions()}) as questions using (survey_id)
                )
                where if(metric_role = 'open', draw % 10 < 3, draw % 100 > 2 or metric_role in ('nps', 'csat'))
            )
        """,
    }


def _invited(responses: int, tickets: str) -> str:
    """Invitations, by turns after a ticket and about the relationship; `submitted_at` where they were answered."""
    versions = " ".join(f"when sent_at >= '{day}' then {version}" for version, day in reversed(VERSIONS.items()))
    customers = max(responses // TICKETS_PER_CUSTOMER, 8)
    return f"""
        select *, questionnaire || '_' || case {versions} end as survey_id,
               ['sms', 'wechat', 'email'][1 + h // 17 % 3] as channel, h % 33 <> 0 as is_delivered,
               if(is_delivered and hash(i, 7) % 100 < 53 and replied_at <= {LAST}, replied_at, null) as submitted_at
        from (
            select *, (hash(i, 6) % 1000003)::integer as h,
                   sent_at + to_seconds((300 - 43200 * ln(1 - hash(i, 8) % 1000003 / 1000003.0))::bigint) as replied_at
            from (
                select 2 * row_number as i, 'service' as questionnaire, ticket_id, null as customer_id,
                       updated_at + to_seconds((600 + hash(row_number, 9) % 3000)::bigint) as sent_at
                from {tickets}
                where status in ('resolved', 'closed') and exclusion is null
                union all
                select 2 * i + 1, 'relationship', null, 'C' || (hash(i, 10) % {customers}),
                       {FIRST_DAY} + to_seconds((hash(i, 9) % (1095 * 86400))::bigint)
                from range({responses}) t(i)
            )
        )
        where sent_at <= {LAST}
    """


def _answered(responses: int, tickets: str) -> str:
    """The answered invitations; `mood` is what all answers of a response lean to, on 1 to 5."""
    return f"""
        select *, [1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5][1 + h // 19 % 12] as mood,
               if(questionnaire = 'relationship' and h % 100 = 7, null, submitted_at) as timed_at
        from ({_invited(responses, tickets)})
        where submitted_at is not null
    """


def _questions() -> str:
    """Every question of every version; effort was asked on 1 to 5 in the first one."""
    rows = [
        (
            f"{questionnaire}_{version}",
            f"{questionnaire}_{version}.{item.name}",
            position,
            item.role,
            item.dimension,
            None if item is COMMENT else item.low,
            None if item is COMMENT else 5 if item.role == "ces" and version == 1 else item.high,
            None if item is COMMENT else item.direction,
            item.is_reverse_keyed,
            item.satisfied_min,
        )
        for questionnaire, items in ITEMS.items()
        for version in VERSIONS
        for position, item in enumerate(items, start=1)
    ]
    return f"""
        select *, if(metric_role = 'dimension', 'main', null) as block, metric_role <> 'open' as is_required
        from ({values(rows)}) as t(
            survey_id, question_id, position, metric_role, dimension, scale_min, scale_max, direction,
            is_reverse_keyed, satisfied_min
        )
    """


def _texts() -> str:
    return f"[{in_list(TEXTS)}]"
