"""Customers of the company, and the people who speak for them in the three systems."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.sample_company import assumptions as a
from include.sample_company.nights import Ints

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
METHODS = ("external_id", "email", "phone", "none")
EXTERNAL_ID, EMAIL, PHONE, NONE = range(4)
NEVER_DELETED = 99
VIP, KEY_ACCOUNT, STANDARD = range(3)


@dataclass(frozen=True)
class Customers:
    """One entry per CRM record, in the order of their numbers (index)."""

    tier: Ints
    tier_after: Ints  # the tier since `changed_in`
    changed_in: Ints  # night of the change, -1: none
    is_person: Flags
    region: Ints
    industry: Ints
    dissatisfaction: Floats
    product: Ints
    activity: Floats
    survivor: Ints  # index of the record it was merged into, else its own
    is_prospect: Flags  # known to the CRM, no business yet
    is_new: Flags  # came in one of the nights after the history
    since: Ints  # first delivery that holds it
    deleted_from: Ints  # first snapshot that lacks it
    shared_mailbox: Ints  # number of a mailbox that two customers share, -1: none

    def __len__(self) -> int:
        return len(self.tier)


@dataclass(frozen=True)
class People:
    """One entry per requester of the ticket system, who is also one contact of the survey tool."""

    customer: Ints
    is_primary: Flags
    desk_method: Ints  # how the desk record finds the CRM record
    survey_method: Ints  # how the survey contact finds an earlier record
    language: Ints

    def __len__(self) -> int:
        return len(self.customer)


def simulate_customers(rng: np.random.Generator, scale: float, products: int) -> Customers:
    """The CRM's customers; the last few of them arrive in the nights after the history."""
    count = max(60, round(a.CUSTOMERS * scale))
    per_night = max(1, round(3 * scale))
    since = np.zeros(count, np.int64)
    since[count - 3 * per_night :] = np.repeat([1, 2, 3], per_night)
    is_new = since > 0

    tier = rng.choice(3, count, p=a.TIER_SHARES)
    is_person = rng.random(count) > np.where(tier == STANDARD, a.COMPANY_SHARE - 0.15, 0.9)
    region = rng.choice(len(a.REGIONS), count, p=a.REGION_SHARES)
    worse = region == a.REGIONS.index(a.WORSE_REGION)
    dissatisfaction = rng.normal(0, 1, count) + a.WORSE_REGION_DISSATISFACTION * worse

    order = rng.permutation(np.flatnonzero(~is_new))
    prospects = max(4, round(a.PROSPECT_SHARE * count))
    merged = max(2, round(a.MERGED_CUSTOMER_SHARE * count))
    changes = 3 * max(2, round(2 * scale))
    mailboxes = max(1, round(a.SHARED_MAILBOX_PAIRS * scale))
    cuts = np.cumsum([prospects, merged, merged, changes, 2 * mailboxes])
    prospect, absorbed, absorbing, changing, sharing = (order[i:j] for i, j in zip([0, *cuts[:-1]], cuts, strict=True))

    survivor = np.arange(count)
    survivor[absorbed] = absorbing
    is_prospect = np.zeros(count, bool)
    is_prospect[prospect] = True
    deleted_from = np.full(count, NEVER_DELETED)
    deleted_from[prospect[:2]] = 2
    deleted_from[prospect[2]] = 3
    changed_in = np.full(count, -1)
    changed_in[changing] = np.arange(changes) % 3 + 1
    tier_after = tier.copy()
    tier_after[changing] = (tier[changing] + 1) % 3
    shared = np.full(count, -1)
    shared[sharing] = np.arange(2 * mailboxes) // 2

    activity = rng.gamma(0.9, 1.0, count) * np.choose(tier, [3.0, 2.0, 0.9])
    activity[is_prospect] = 0.0
    return Customers(
        tier=tier,
        tier_after=tier_after,
        changed_in=changed_in,
        is_person=is_person,
        region=region,
        industry=np.where(is_person, len(a.INDUSTRIES) - 1, rng.integers(0, len(a.INDUSTRIES) - 1, count)),
        dissatisfaction=dissatisfaction,
        product=rng.integers(0, products, count),
        activity=activity,
        survivor=survivor,
        is_prospect=is_prospect,
        is_new=is_new,
        since=since,
        deleted_from=deleted_from,
        shared_mailbox=shared,
    )


def simulate_people(rng: np.random.Generator, customers: Customers) -> People:
    """One person per customer with business, more at companies, and the way their records join."""
    business = np.flatnonzero(~customers.is_prospect)
    further = rng.poisson(a.FURTHER_CONTACTS, len(business)) * ~customers.is_person[business]
    further[customers.shared_mailbox[business] >= 0] = 0
    customer = np.concatenate([business, np.repeat(business, further)])
    is_primary = np.arange(len(customer)) < len(business)
    order = np.lexsort((~is_primary, customer))
    customer, is_primary = customer[order], is_primary[order]
    count = len(customer)

    desk = rng.choice(4, count, p=list(a.DESK_JOIN_SHARES.values()))
    # The CRM knows only one mailbox and telephone of a customer: those of the primary person.
    desk = np.where(~is_primary & ((desk == EMAIL) | (desk == PHONE)), EXTERNAL_ID, desk)
    desk[customers.is_new[customer]] = EXTERNAL_ID
    shared = customers.shared_mailbox[customer] >= 0
    desk[shared] = PHONE

    survey = rng.choice(4, count, p=list(a.SURVEY_JOIN_SHARES.values()))
    survey[shared] = EXTERNAL_ID
    # A person whom the desk cannot place is not known by CRM number to the survey tool either.
    lost = desk == NONE
    survey[lost & (survey != NONE)] = EMAIL
    return People(
        customer=customer,
        is_primary=is_primary,
        desk_method=desk,
        survey_method=survey,
        language=(rng.random(count) < a.ENGLISH_SHARE).astype(np.int64),
    )


def tier_at(customers: Customers, night: int) -> Ints:
    """Tier of every customer as the CRM states it in a night's snapshot."""
    return np.where((customers.changed_in >= 0) & (customers.changed_in <= night), customers.tier_after, customers.tier)


def in_snapshot(customers: Customers, night: int) -> Flags:
    """Which customers a night's snapshot holds."""
    return (customers.since <= night) & (customers.deleted_from > night)
