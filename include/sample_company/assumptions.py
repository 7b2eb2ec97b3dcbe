"""What the made-up company is like: sizes, shares, effects and defect rates, all in one place.

Shares are of the rows they speak of; times are seconds, minutes, hours or days as named.
"""

from datetime import date
from typing import Final

FORMAT_VERSION: Final = 5
DEFAULT_SEED: Final = 20260630

# Sizes at scale 1
CUSTOMERS: Final = 3_000
TICKETS: Final = 15_000
ORDERS: Final = 12_000
HUMAN_AGENTS: Final = 60

# Code lists: canonical codes, in the order of the numbers used inside the generator
TIERS: Final = ("vip", "key_account", "standard")
TIER_SHARES: Final = (0.08, 0.17, 0.75)
CUSTOMER_TYPES: Final = ("company", "person")
COMPANY_SHARE: Final = 0.55
REGIONS: Final = ("east", "south", "north", "central", "southwest", "northeast")
REGION_SHARES: Final = (0.28, 0.22, 0.18, 0.13, 0.11, 0.08)
WORSE_REGION: Final = "southwest"
INDUSTRIES: Final = ("manufacturing", "retail", "healthcare", "education", "logistics", "household")
LANGUAGES: Final = ("zh", "en")
ENGLISH_SHARE: Final = 0.08
PRODUCT_LINES: Final = ("air_conditioning", "water_treatment", "compressor", "smart_lock", "charging_pile")
MODELS_PER_LINE: Final = 4

STATUSES: Final = ("new", "open", "pending", "hold", "resolved", "closed", "deleted")
NEW, OPEN, PENDING, HOLD, RESOLVED, CLOSED, DELETED = range(7)
PRIORITIES: Final = ("low", "normal", "high", "urgent")
PRIORITY_SHARES: Final = (0.15, 0.60, 0.18, 0.07)
TICKET_CHANNELS: Final = ("phone", "wechat", "chat", "email", "web", "store")
TICKET_CHANNEL_SHARES: Final = (0.32, 0.24, 0.18, 0.10, 0.11, 0.05)
ISSUE_TYPES: Final = ("repair", "installation", "usage", "return_exchange", "billing", "delivery", "other")
ISSUE_TYPE_SHARES: Final = (0.34, 0.14, 0.20, 0.10, 0.09, 0.08, 0.05)
EXCLUSIONS: Final = ("spam", "test", "cancelled")
EXCLUSION_SHARES: Final = (0.015, 0.004, 0.010)

# Built-in effects
WORSE_REGION_DELAY: Final = 0.55  # added to the log of the first response delay
WORSE_REGION_DISSATISFACTION: Final = 0.5  # added to the customer's standing dissatisfaction
DISSATISFIED_CUSTOMER_DELAY: Final = 0.15  # per unit of dissatisfaction, on the log of the delay
DELAY_LOWERS_CSAT: Final = 0.45  # per factor of e over the usual delay, on the latent satisfaction
DISSATISFACTION_LOWERS_CSAT: Final = 0.35
RENEWAL_LOGIT: Final = 1.9  # log odds of renewing at dissatisfaction 0
DISSATISFACTION_RAISES_CHURN: Final = 0.8  # taken from the log odds per unit of dissatisfaction

# Tickets
FIRST_RESPONSE_MEDIAN_MINUTES: Final = 38.0
FIRST_RESPONSE_LOG_SD: Final = 1.05
BOT_SHARE: Final = 0.5  # of chat and WeChat tickets
AUTOMATIC_REPLY_SHARE: Final = 0.7  # of e-mail and web tickets
AGENT_CREATED_SHARE: Final = 0.06
AGENT_OPENED_PUBLICLY_SHARE: Final = 0.7  # of the agent-created ones
NEVER_ANSWERED_SHARE: Final = 0.005
NEVER_RESOLVED_SHARE: Final = 0.008
NOTE_SHARE: Final = 0.35
PRIVATE_MESSAGE_SHARE: Final = 0.04
WAIT_SHARE: Final = 0.30
FOLLOW_UP_QUESTION_SHARE: Final = 0.20
HOLD_SHARE: Final = 0.12
TRANSFER_SHARE: Final = 0.09
ESCALATION_SHARE: Final = 0.04
COMPLAINT_SHARE: Final = 0.05
CALL_SHARE: Final = 0.30  # of phone tickets
ONE_REPLY_SHARE: Final = 0.6  # of tickets without a wait or a further question
REOPEN_SHARE: Final = 0.07
REOPEN_FROM_CLOSED_SHARE: Final = 0.25
SECOND_REOPEN_SHARE: Final = 0.15
THANKS_SHARE: Final = 0.15
MERGED_SHARE: Final = 0.015
DELETED_SHARE: Final = 0.005
CLOSE_AFTER_HOURS: Final = 72
TICKETS_PER_NIGHT: Final = 22
YOUNG_TICKETS_PER_NIGHT: Final = 3  # created in the last 70 minutes of the day

# Customers and how their records in the three systems find each other
PROSPECT_SHARE: Final = 0.03
MERGED_CUSTOMER_SHARE: Final = 0.005
FURTHER_CONTACTS: Final = 0.5  # mean number of further desk users of a company
DESK_JOIN_SHARES: Final = {"external_id": 0.70, "email": 0.14, "phone": 0.10, "none": 0.06}
SURVEY_JOIN_SHARES: Final = {"external_id": 0.55, "email": 0.22, "phone": 0.13, "none": 0.10}
SHARED_MAILBOX_PAIRS: Final = 6

# Contracts and orders
CONTRACT_SHARE: Final = 0.72
CONTRACT_MONTHS: Final = 60
TERM_MONTHS: Final = (12, 24, 6, 3)
TERM_SHARES: Final = (0.60, 0.15, 0.15, 0.10)
GRACE_RENEWAL_SHARE: Final = 0.12
GRACE_GAP_DAYS: Final = (2, 26)  # of late renewals: clearly within 30 grace days
REACTIVATION_SHARE: Final = 0.22
REACTIVATION_GAP_DAYS: Final = (75, 280)
EXPANSION_SHARE: Final = 0.20
CONTRACTION_SHARE: Final = 0.08
ADD_ON_SHARE: Final = 0.08
FOREIGN_CURRENCY_SHARE: Final = 0.02
# Units of CNY for a dollar from a day on, as `config/currency_rates.yml` says; each begins on the first of a month.
USD_RATES: Final = (("2021-01-01", 6.45), ("2022-07-01", 6.7), ("2024-01-01", 7.1), ("2025-07-01", 7.16))
REFUND_SHARE: Final = 0.04
VOIDED_ORDER_SHARE: Final = 0.006
ORDERS_PER_NIGHT: Final = 16
END_REASONS: Final = ("price", "service_quality", "competitor", "closed_business", "non_payment")

# Surveys
SAMPLING_BY_TIER: Final = (1.0, 0.3, 0.3)
UNDELIVERED_SHARE: Final = 0.02
DELIVERY_UNKNOWN_SHARE: Final = 0.01
RESPONSE_RATE: Final = 0.45
RESPONSES_PER_NIGHT: Final = 6
TRANSACTIONAL_SECONDS: Final = 150
RELATIONSHIP_SECONDS: Final = 100
DURATION_LOG_SD: Final = 0.22
HONEST_SPEED: Final = (0.66, 3.0)  # of the median: clear of every limit
REVERSE_KEYED_ITEMS: Final = (3, 7, 10)  # positions in the block of twelve, from 0
OPPOSITE_PAIR: Final = (1, 7)
COMPLETENESS_ITEM: Final = 5  # 'my problem was solved completely'
NOT_APPLICABLE_SHARE: Final = 0.03
OPTIONAL_GAP_SHARE: Final = 0.012
DROP_OUT_SHARE: Final = 0.03
PRETEST_DAY: Final = date(2025, 12, 15)
PRETEST_RESPONSES: Final = 24  # whatever the scale
PRETEST_UNCLEAR: Final = 2
PRETEST_OTHER: Final = 2
PRETEST_SECONDS: Final = 72

# Field service: repairs and installations only
ASSET_SHARE: Final = 0.30  # of delivered orders
RETIRED_ASSET_SHARE: Final = 0.05
ENGINEERS_PER_TEAM: Final = 5
REPAIR_VISIT_SHARE: Final = 0.7
INSTALLATION_VISIT_SHARE: Final = 0.9
VISIT_OUTCOME_SHARES: Final = (0.80, 0.08, 0.05, 0.04, 0.03)  # solved, not solved, no access, cancelled, nobody came
LATE_VISIT_SHARE: Final = 0.09
EARLY_VISIT_SHARE: Final = 0.03
MAINTENANCE_VISITS: Final = 150
MAINTENANCE_PER_NIGHT: Final = 2
CALL_BACK_SHARE: Final = 0.62
LATE_CALL_SHARE: Final = 0.08
NO_CALL_SHARE: Final = 0.07
SECOND_CALL_SHARE: Final = 0.5
REACHED_SHARES: Final = (0.78, 0.20, 0.02)  # yes, no, not noted
CONFIRMED_SHARES: Final = (0.85, 0.10, 0.05)  # of those reached: yes, no, not noted
CALL_AFTER_ANSWER_SHARE: Final = 0.6  # of those who answer 1 or 2 of 5
STRAY_CALLS: Final = 6

# Defects: share of rows of the history, at least one; in a night a fixed small number
DEFECT_SHARES: Final = {
    "ticket_duplicate": 0.003,
    "ticket_missing_key": 0.001,
    "ticket_future": 0.0008,
    "resolved_before_created": 0.002,
    "response_before_created": 0.002,
    "closed_without_resolution": 0.003,
    "unknown_customer": 0.003,
    "unknown_product": 0.002,
    "event_duplicate": 0.0004,
    "event_orphan": 0.0003,
    "event_future": 0.0001,
    "customer_duplicate": 0.001,
    "order_duplicate": 0.002,
    "order_negative": 0.001,
    "order_unknown_customer": 0.002,
    "order_unknown_product": 0.001,
    "straight_lined": 0.030,
    "speeder_not_counted": 0.018,
    "speeder_flag": 0.015,
    "speeder_without_sign": 0.008,
    "missing_required_answer": 0.010,
    "answer_out_of_scale": 0.008,
    "unmapped_answer": 0.004,
    "solved_no_but_complete": 0.008,
    "opposite_pair_agreed": 0.008,
    "response_duplicate": 0.006,
    "response_missing_key": 0.003,
    "response_future": 0.002,
    "visit_duplicate": 0.002,
    "visit_missing_key": 0.001,
    "visit_future": 0.001,
    "visit_finished_before_arrived": 0.004,
    "visit_window_reversed": 0.003,
    "visit_unknown_ticket": 0.003,
    "call_duplicate": 0.002,
    "call_missing_key": 0.001,
    "call_future": 0.001,
    "call_confirmed_unreached": 0.03,
    "asset_contradiction": 0.002,
}
