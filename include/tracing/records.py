"""From rows of a fact to the delivered records that they were made from."""

from __future__ import annotations

from dataclasses import dataclass

# From a fact `f` to the versions `v` of its records: over one key, or over the customer that they resolve to.
_OF_CUSTOMER = (
    "join {schema}int_customer_resolved as c on c.customer_key = f.customer_key "
    "join {versions} as v on v.customer_record_key = c.customer_record_key"
)


@dataclass(frozen=True)
class Origin:
    """An entity whose records a fact's rows are made from.

    `is_own`: the record that the row stands for. `key` joins fact and record; null joins them by the resolved customer.
    `happened_at` is when what the record tells of happened (SQL over `v`); null where it does not say.
    """

    entity: str
    key: str | None
    is_own: bool = False
    happened_at: str | None = None

    def joined(self, versions: str, catalog: str = "") -> str:
        """SQL that joins `v` to a relation `f` with the columns of the fact; `catalog` ends with a dot."""
        if self.key is None:
            return _OF_CUSTOMER.format(versions=versions, schema=f"{catalog}intermediate.")
        # 0 is the key of nothing
        return f"join {versions} as v on v.{self.key} = f.{self.key} and f.{self.key} <> 0"


_EVENT = "v.occurred_at"
_ABOUT_TICKETS = (
    Origin("ticket_event", "ticket_key", happened_at=_EVENT),
    Origin("visit", "ticket_key", happened_at="coalesce(v.arrived_at, v.finished_at)"),
    Origin("follow_up", "ticket_key", happened_at="coalesce(v.contacted_at, v.due_at)"),
)
_TICKET = Origin("ticket", "ticket_key", is_own=True, happened_at="v.created_at")
_RESPONSE = Origin("survey_response", "response_key", happened_at="v.submitted_at")
_ANSWER = Origin("survey_answer", "response_key")
_CUSTOMERS = (
    Origin("contract", None, happened_at="cast(v.start_date as timestamp)"),
    Origin("order", None, happened_at="v.ordered_at"),
    Origin("asset", None, happened_at="cast(v.installed_date as timestamp)"),
    Origin("customer", None, happened_at="cast(v.acquired_date as timestamp)"),
)
# The key of a record in the versions of its entity.
RECORD_KEYS = {
    "asset": "asset_key",
    "contract": "contract_key",
    "customer": "customer_record_key",
    "follow_up": "follow_up_key",
    "order": "order_key",
    "review": "review_key",
    "survey_answer": "answer_key",
    "survey_invitation": "invitation_key",
    "survey_question": "question_key",
    "survey_response": "response_key",
    "ticket": "ticket_key",
    "ticket_event": "event_key",
    "usage": "usage_key",
    "visit": "visit_key",
}
ORIGINS: dict[str, tuple[Origin, ...]] = {
    "fct_ticket": (_TICKET, *_ABOUT_TICKETS),
    "fct_ticket_sla": (_TICKET, *_ABOUT_TICKETS),
    "fct_visit": (
        Origin("visit", "visit_key", is_own=True, happened_at="coalesce(v.arrived_at, v.finished_at)"),
        Origin("ticket", "ticket_key", happened_at="v.created_at"),
    ),
    "fct_order": (Origin("order", "order_key", is_own=True, happened_at="v.ordered_at"),),
    "fct_review": (
        Origin("review", "review_key", is_own=True, happened_at="v.reviewed_at"),
        Origin("follow_up", "review_key", happened_at="coalesce(v.contacted_at, v.due_at)"),
    ),
    "fct_survey_response": (
        Origin("survey_response", "response_key", is_own=True, happened_at="v.submitted_at"),
        _ANSWER,
        Origin("survey_invitation", "invitation_key", happened_at="v.sent_at"),
        Origin("follow_up", "response_key", happened_at="coalesce(v.contacted_at, v.due_at)"),
    ),
    "fct_survey_answer": (
        Origin("survey_answer", "answer_key", is_own=True),
        _RESPONSE,
        Origin("survey_question", "question_key"),
    ),
    "fct_low_score_reason": (
        Origin("survey_response", "response_key", is_own=True, happened_at="v.submitted_at"),
        _ANSWER,
    ),
    "fct_first_try_reason": (
        Origin("survey_response", "response_key", is_own=True, happened_at="v.submitted_at"),
        _ANSWER,
    ),
    "fct_survey_invitation": (
        Origin("survey_invitation", "invitation_key", is_own=True, happened_at="v.sent_at"),
        Origin("survey_response", "invitation_key", happened_at="v.submitted_at"),
    ),
    "dim_asset": (
        Origin("asset", "asset_key", is_own=True, happened_at="cast(v.installed_date as timestamp)"),
        Origin("ticket", "asset_key", happened_at="v.created_at"),
    ),
    "dim_customer": (
        Origin("customer", None, is_own=True, happened_at="cast(v.acquired_date as timestamp)"),
        Origin("contract", None, happened_at="cast(v.start_date as timestamp)"),
        Origin("order", None, happened_at="v.ordered_at"),
    ),
    "fct_customer_month": _CUSTOMERS,
    "fct_customer_value": _CUSTOMERS,
    "fct_customer_health": (
        *_CUSTOMERS,
        Origin("ticket", None, happened_at="v.created_at"),
        Origin("survey_response", None, happened_at="v.submitted_at"),
        Origin("usage", None, happened_at="cast(v.usage_date as timestamp)"),
    ),
    "fct_contract_renewal": (
        Origin("contract", "contract_key", is_own=True, happened_at="cast(v.start_date as timestamp)"),
        # its renewal, and what else the customer has
        Origin("contract", None, happened_at="cast(v.start_date as timestamp)"),
        Origin("customer", None, happened_at="cast(v.acquired_date as timestamp)"),
    ),
    "fct_customer_contract_movement": _CUSTOMERS,
    "fct_customer_repurchase": _CUSTOMERS,
    "fct_satisfaction_outcome": (
        Origin("survey_response", "response_key", is_own=True, happened_at="v.submitted_at"),
        _ANSWER,
        *_CUSTOMERS,
    ),
    # Sums over tickets or customers, by team, agent, stratum and so on: no record stands behind one row alone.
    "fct_backlog_daily": (),
    "fct_agent_daily": (),
    "fct_survey_frame": (),
}
# What a row of a fact `f` is called by its source.
_ID_OF_RESPONSE = (
    "(select max(t.response_id) from marts.fct_survey_response as t where t.response_key = f.response_key)"
)
_ID_OF_CUSTOMER = "(select max(t.customer_id) from marts.dim_customer as t where t.customer_key = f.customer_key)"
_ID_OF_AGENT = "(select max(t.agent_id) from marts.dim_agent as t where t.agent_key = f.agent_key)"
BUSINESS_IDS = {
    "fct_ticket": "f.ticket_id",
    "fct_ticket_sla": "concat_ws(' ', f.ticket_id, f.sla_clock, f.instance)",
    "fct_visit": "f.visit_id",
    "fct_order": "f.order_id",
    "fct_review": "f.review_id",
    "fct_survey_response": "f.response_id",
    "fct_survey_answer": f"{_ID_OF_RESPONSE} || coalesce(' ' || f.dimension, '')",
    "fct_low_score_reason": f"{_ID_OF_RESPONSE} || ' ' || f.reason_category",
    "fct_first_try_reason": f"{_ID_OF_RESPONSE} || ' ' || f.reason_category",
    "fct_survey_invitation": "f.invitation_id",
    "dim_asset": "f.asset_id",
    "dim_customer": "f.customer_id",
    "fct_customer_month": _ID_OF_CUSTOMER,
    "fct_customer_value": _ID_OF_CUSTOMER,
    "fct_customer_health": _ID_OF_CUSTOMER,
    "fct_contract_renewal": "f.contract_id",
    "fct_customer_contract_movement": f"concat_ws(' ', {_ID_OF_CUSTOMER}, f.currency)",
    "fct_customer_repurchase": _ID_OF_CUSTOMER,
    "fct_satisfaction_outcome": f"concat_ws(' ', {_ID_OF_RESPONSE}, f.score_kind)",
    "fct_backlog_daily": "cast(f.date_day as varchar)",
    "fct_agent_daily": f"concat_ws(' ', {_ID_OF_AGENT}, f.date_day)",
    "fct_survey_frame": "concat_ws(' ', f.wave, f.stratum)",
}


def records_sql(table: str, key: str, number: int, rows: str, schema: str = "staging") -> str | None:
    """SQL of the current records behind rows of a fact; none where there is no such record.

    Columns: `fact`, `fact_key`, `entity`, `is_own`, `source`, `feed`, `batch_id`, `row_number`, `is_counted`,
    `not_counted_rules`.

    Args:
        table: the fact.
        key: its key.
        number: the place of the fact in the metric.
        rows: a relation with `fact` and `fact_key`.
        schema: where the current records lie.
    """
    return (
        " union all ".join(
            f"select r.fact, r.fact_key, '{one.entity}' as entity, {str(one.is_own).lower()} as is_own, "
            "v.source, v.feed, v.batch_id, v.row_number, v.is_counted, v.not_counted_rules "
            f"from (select distinct fact, fact_key from {rows} where fact = {number}) as r "
            f"join marts.{table} as f on f.{key} = r.fact_key {one.joined(f'{schema}.stg_{one.entity}')}"
            for one in ORIGINS[table]
        )
        or None
    )
