"""Invitations and answers of the questionnaires: after a ticket, about the relationship, and a pretest of the first."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from include.sample_company import assumptions as a
from include.sample_company.customers import Customers, Flags, Floats, People, tier_at
from include.sample_company.defects import assign_kinds
from include.sample_company.nights import CUTS, DAY, END, HISTORY_DAY, NEVER, Ints, day_number, local_midnight, night_of
from include.sample_company.tickets import NORMAL, Tickets, latent_delay

TRANSACTIONAL, RELATIONSHIP = range(2)
GAP, NOT_APPLICABLE, UNMAPPED = 0, -3, -1  # cells of an item that are no answer
NOTHING = -1
SURVEY_CHANNELS = ("sms", "wechat", "email")
CONTACT_OTHER = 3  # after telephone, WeChat and e-mail
BLOCK = 12
SHORT_BLOCK = 6
RESPONSE_KINDS = (
    "straight_lined",
    "speeder_not_counted",
    "speeder_flag",
    "speeder_without_sign",
    "missing_required_answer",
    "answer_out_of_scale",
    "unmapped_answer",
    "solved_no_but_complete",
    "opposite_pair_agreed",
)
KIND = {name: number for number, name in enumerate(RESPONSE_KINDS)}
RELATIONSHIP_KINDS = ("speeder_flag", "missing_required_answer", "answer_out_of_scale")
Ratings = npt.NDArray[np.int64]


@dataclass
class Invitations:
    """One entry per invitation, by time sent."""

    survey: Ints
    person: Ints
    ticket: Ints  # -1: none
    channel: Ints
    tier: Ints
    sent_at: Ints
    delivered: Ints  # 1 yes, 0 no, -1 the tool does not know
    opened_at: Ints
    reminded_at: Ints
    responded_at: Ints  # NEVER: no response

    def __len__(self) -> int:
        return len(self.survey)


@dataclass
class Responses:
    """One entry per person's response to one questionnaire, by time submitted."""

    invitation: Ints
    submitted_at: Ints
    duration: Ints  # seconds
    block: Ratings  # [responses, items], on the scale of the item, or GAP, NOT_APPLICABLE, UNMAPPED
    csat: Ints
    ces: Ints  # transactional only
    nps: Ints  # relationship only, NOTHING: empty
    solved: Ints  # 1 yes, 0 no, transactional only
    open_text: Ints  # number of an open answer, NOTHING: none
    reason_text: Ints  # asked only where csat <= 2
    language: Ints
    is_complete: Flags
    kind: Ints  # number in RESPONSE_KINDS, NOTHING: an honest answer
    felt: dict[str, Ints]  # the scores that were asked for (csat, ces, nps) as the person meant them

    def __len__(self) -> int:
        return len(self.invitation)

    def as_meant(self) -> "Responses":
        """The same with the scores as they were meant, whatever became of the answers."""
        meant = {name: self.felt.get(name, getattr(self, name)) for name in ("csat", "ces", "nps")}
        return replace(self, csat=meant["csat"], ces=meant["ces"], nps=meant["nps"])


@dataclass
class Pretest:
    """One entry per person who tried the questionnaire after a ticket before it was sent; nobody was invited."""

    submitted_at: Ints
    duration: Ints  # seconds
    csat: Ints
    contact: Ints  # number of the way by which they get in touch
    is_unclear: Flags

    def __len__(self) -> int:
        return len(self.submitted_at)


def simulate_pretest(rng: np.random.Generator) -> Pretest:
    """A pretest that is passed: few find anything unclear, few answer 'other', and it takes them about a minute."""
    count = a.PRETEST_RESPONSES
    began = int(local_midnight(day_number(a.PRETEST_DAY))) + 10 * 3600
    contact = rng.integers(0, CONTACT_OTHER, count)
    contact[rng.permutation(count)[: a.PRETEST_OTHER]] = CONTACT_OTHER
    return Pretest(
        submitted_at=began + np.sort(rng.integers(0, 6 * 3600, count)),
        duration=np.clip(np.round(rng.normal(a.PRETEST_SECONDS, 6, count)), 60, 84).astype(np.int64),
        csat=rng.integers(3, 6, count),
        contact=contact,
        is_unclear=rng.permutation(count) < a.PRETEST_UNCLEAR,
    )


def simulate_invitations(
    rng: np.random.Generator, scale: float, customers: Customers, people: People, tickets: Tickets
) -> Invitations:
    """Who was asked, when and through which channel; VIP always, others by sampling."""
    tier = tier_at(customers, 0)
    asked = (tickets.exclusion == NORMAL) & (tickets.merged_into < 0) & (tickets.deleted_at == NEVER)
    asked &= (tickets.ends[:, 0] < NEVER) & (tickets.responded_at < NEVER)
    chance = np.asarray(a.SAMPLING_BY_TIER)
    ticket = np.flatnonzero(asked & (rng.random(len(tickets)) < chance[tier[tickets.customer]]))
    after_ticket = tickets.ends[ticket, 0] + rng.integers(600, 3600, len(ticket))

    known = people.is_primary & ~customers.is_new[people.customer]
    known &= customers.survivor[people.customer] == people.customer
    person = np.flatnonzero(known & (rng.random(len(people)) < chance[tier[people.customer]]))
    sent_day = HISTORY_DAY - rng.integers(-2, 360, len(person))
    # Some are asked in the days before the nights, so that every night brings answers.
    sent_day[: len(person) // 12] = HISTORY_DAY - rng.integers(-1, 6, len(person) // 12)
    in_office = local_midnight(sent_day) + 9 * 3600 + rng.integers(0, 3 * 3600, len(person))

    survey = np.concatenate([np.full(len(ticket), TRANSACTIONAL), np.full(len(person), RELATIONSHIP)])
    everyone = np.concatenate([tickets.person[ticket], person])
    about = np.concatenate([ticket, np.full(len(person), -1)])
    sent = np.concatenate([after_ticket, in_office])
    order = np.argsort(sent, kind="stable")
    order = order[sent[order] < END]
    survey, everyone, about, sent = survey[order], everyone[order], about[order], sent[order]
    count = len(sent)
    delivered = rng.choice(
        [0, -1, 1],
        count,
        p=[a.UNDELIVERED_SHARE, a.DELIVERY_UNKNOWN_SHARE, 1 - a.UNDELIVERED_SHARE - a.DELIVERY_UNKNOWN_SHARE],
    )
    responds = (delivered != 0) & (rng.random(count) < a.RESPONSE_RATE)
    wait = np.minimum(np.round(np.exp(rng.normal(np.log(5 * 3600), 1.3, count))), 10 * DAY).astype(np.int64) + 300
    responded = np.where(responds, sent + wait, NEVER)
    _answer_every_night(rng, scale, survey, sent, delivered, responded)
    looks = (responded < NEVER) | ((delivered == 1) & (rng.random(count) < 0.25))
    opened = np.where(looks, np.where(responded < NEVER, responded - 240, sent + wait), NEVER)
    reminder = sent + 2 * DAY
    remind = (delivered != 0) & (reminder < responded) & (rng.random(count) < 0.4)
    return Invitations(
        survey=survey,
        person=everyone,
        ticket=about,
        channel=rng.choice(len(SURVEY_CHANNELS), count, p=[0.5, 0.35, 0.15]),
        tier=tier[people.customer[everyone]],
        sent_at=sent,
        delivered=delivered,
        opened_at=np.maximum(opened, sent + 1),
        reminded_at=np.where(remind, reminder, NEVER),
        responded_at=responded,
    )


def _answer_every_night(
    rng: np.random.Generator, scale: float, survey: Ints, sent: Ints, delivered: Ints, responded: Ints
) -> None:
    """Let some who have not answered answer in each of the nights; changes `responded`."""
    wanted = max(2, round(a.RESPONSES_PER_NIGHT * scale))
    for night in (1, 2, 3):
        moment = int(CUTS[night]) - 12 * 3600
        for purpose in (TRANSACTIONAL, RELATIONSHIP):
            silent = (survey == purpose) & (responded >= END) & (delivered == 1)
            silent &= (sent < moment - 3600) & (sent > moment - 12 * DAY)
            chosen = rng.permutation(np.flatnonzero(silent))[:wanted]
            responded[chosen] = moment + rng.integers(0, 9 * 3600, len(chosen))


def satisfaction(
    rng: np.random.Generator, customers: Customers, people: People, tickets: Tickets, invitations: Invitations
) -> Floats:
    """Latent satisfaction of every invited person; slow responses and lasting dissatisfaction lower it."""
    customer = people.customer[invitations.person]
    latent = 1.0 - a.DISSATISFACTION_LOWERS_CSAT * customers.dissatisfaction[customer]
    about = invitations.ticket >= 0
    latent[about] -= a.DELAY_LOWERS_CSAT * latent_delay(tickets)[invitations.ticket[about]]
    return latent + rng.normal(0, 0.8, len(latent))


def _rating(latent: Floats) -> Ints:
    """A 1-5 rating from a latent value; about 70 % satisfied at latent 1."""
    return (np.digitize(latent, [-1.2, -0.4, 0.45, 1.4]) + 1).astype(np.int64)


def longest_runs(block: Ratings) -> Ints:
    """Longest run of one answer in each row of a block; anything that is no answer is a run of its own."""
    best = np.ones(len(block), np.int64)
    run = np.ones(len(block), np.int64)
    for item in range(1, block.shape[1]):
        same = (block[:, item] == block[:, item - 1]) & (block[:, item] > 0)
        run = np.where(same, run + 1, 1)
        best = np.maximum(best, run)
    return best


def _answers(rng: np.random.Generator, latent: Floats, items: int, reverse: tuple[int, ...]) -> Ratings:
    noise = rng.normal(0, 0.75, (len(latent), items))
    block = _rating((latent[:, None] + noise).ravel()).reshape(len(latent), items)
    for item in reverse:
        block[:, item] = 6 - block[:, item]
    gaps = rng.random(block.shape)
    block[gaps < a.OPTIONAL_GAP_SHARE] = GAP
    return np.where(gaps > 1 - a.NOT_APPLICABLE_SHARE / 2, NOT_APPLICABLE, block)


def _durations(rng: np.random.Generator, median: int, count: int) -> Ints:
    speed = np.clip(np.exp(rng.normal(0, a.DURATION_LOG_SD, count)), *a.HONEST_SPEED)
    return np.round(median * speed).astype(np.int64)


def simulate_transactional(
    rng: np.random.Generator, people: People, invitations: Invitations, latent: Floats
) -> Responses:
    """Responses after a ticket: twelve items, CSAT, CES, solved at the first try, open answers; and defects."""
    chosen = np.flatnonzero((invitations.survey == TRANSACTIONAL) & (invitations.responded_at < END))
    chosen = chosen[np.argsort(invitations.responded_at[chosen], kind="stable")]
    z = latent[chosen]
    count = len(chosen)
    csat = _rating(z + rng.normal(0, 0.3, count))
    responses = Responses(
        invitation=chosen,
        submitted_at=invitations.responded_at[chosen],
        duration=_durations(rng, a.TRANSACTIONAL_SECONDS, count),
        block=_answers(rng, z, BLOCK, a.REVERSE_KEYED_ITEMS),
        csat=csat,
        ces=np.clip(np.round(4.2 - 1.1 * z + rng.normal(0, 0.8, count)), 1, 7).astype(np.int64),
        nps=np.full(count, NOTHING),
        solved=(z + rng.normal(0, 0.7, count) > 0.2).astype(np.int64),
        open_text=np.where(rng.random(count) < 0.35, rng.integers(0, 10, count), NOTHING),
        reason_text=np.where(csat <= 2, rng.integers(0, 4, count), NOTHING),
        language=people.language[invitations.person[chosen]],
        is_complete=np.ones(count, bool),
        kind=assign_kinds(rng, night_of(invitations.responded_at[chosen]), RESPONSE_KINDS),
        felt={},
    )
    responses.felt = {"csat": responses.csat.copy(), "ces": responses.ces.copy()}
    _keep_honest(responses)
    _spoil(rng, responses)
    return responses


def _keep_honest(responses: Responses) -> None:
    """Take the contradictions and runs out of honest answers, so that only built-in ones are left."""
    block = responses.block
    first, second = a.OPPOSITE_PAIR
    both = (block[:, first] >= 4) & (block[:, second] >= 4)
    block[both, second] = 2
    complete = a.COMPLETENESS_ITEM
    block[(responses.solved == 0) & (block[:, complete] == 5), complete] = 3
    long = longest_runs(block) >= 6
    block[long, 5] = np.where(block[long, 5] == 3, 2, 3)
    block[longest_runs(block) >= 6, 3] = 4


def _spoil(rng: np.random.Generator, responses: Responses) -> None:
    """Give every response the defect of its kind."""
    block = responses.block

    def of(kind: str) -> Ints:
        return np.flatnonzero(responses.kind == KIND[kind])

    rows = of("straight_lined")
    block[rows] = rng.choice([3, 4, 5], len(rows), p=[0.4, 0.35, 0.25])[:, None]
    # Every other one breaks the line in its last two items: ten equal answers in a row remain.
    block[rows[1::2], BLOCK - 2] = 2
    block[rows[1::2], BLOCK - 1] = 1
    responses.solved[rows] = 1

    rows = of("speeder_not_counted")
    block[rows] = np.array([3, 3, 3, 3, 3, 3, 3, 3, 2, 4, 3, 4])
    responses.duration[rows] = rng.integers(19, 27, len(rows))
    responses.duration[of("speeder_flag")] = round(0.43 * a.TRANSACTIONAL_SECONDS)
    rows = of("speeder_without_sign")
    block[rows] = np.array([4, 4, 5, 2, 3, 4, 5, 1, 4, 3, 2, 5])
    responses.solved[rows] = 1
    responses.duration[rows] = round(0.27 * a.TRANSACTIONAL_SECONDS)

    rows = of("missing_required_answer")
    responses.csat[rows[::2]] = GAP
    responses.reason_text[rows[::2]] = NOTHING
    responses.ces[rows[1::2]] = GAP
    responses.ces[of("answer_out_of_scale")] = 8
    block[of("unmapped_answer"), 0] = UNMAPPED
    rows = of("solved_no_but_complete")
    responses.solved[rows] = 0
    block[rows, a.COMPLETENESS_ITEM] = 5
    rows = of("opposite_pair_agreed")
    block[rows[:, None], list(a.OPPOSITE_PAIR)] = 4


def simulate_relationship(
    rng: np.random.Generator, people: People, invitations: Invitations, latent: Floats
) -> Responses:
    """Responses about the relationship: six items, NPS, CSAT, an open answer; some drop out half-way."""
    chosen = np.flatnonzero((invitations.survey == RELATIONSHIP) & (invitations.responded_at < END))
    chosen = chosen[np.argsort(invitations.responded_at[chosen], kind="stable")]
    z = latent[chosen]
    count = len(chosen)
    block = _answers(rng, z, SHORT_BLOCK, ())
    kind = assign_kinds(rng, night_of(invitations.responded_at[chosen]), RELATIONSHIP_KINDS)
    kind = np.where(kind >= 0, np.array([KIND[name] for name in RELATIONSHIP_KINDS])[kind], NOTHING)
    duration = _durations(rng, a.RELATIONSHIP_SECONDS, count)
    nps = np.clip(np.round(7.3 + 1.9 * (z - 0.9) + rng.normal(0, 0.9, count)), 0, 10).astype(np.int64)
    csat = _rating(z + rng.normal(0, 0.3, count))
    open_text = np.where(rng.random(count) < 0.3, rng.integers(0, 10, count), NOTHING)
    felt = {"csat": csat.copy(), "nps": nps.copy()}

    block[kind == KIND["speeder_flag"]] = np.array([4, 5, 4, 3, 4, 5])
    duration[kind == KIND["speeder_flag"]] = round(0.43 * a.RELATIONSHIP_SECONDS)
    missing = np.flatnonzero(kind == KIND["missing_required_answer"])
    nps[missing] = NOTHING
    wrong = np.flatnonzero(kind == KIND["answer_out_of_scale"])
    nps[wrong[::2]] = 11
    block[wrong[1::2], 2] = 6
    dropped = (kind == NOTHING) & (rng.random(count) < a.DROP_OUT_SHARE)
    block[dropped, 3:] = GAP
    open_text[dropped] = NOTHING
    return Responses(
        invitation=chosen,
        submitted_at=invitations.responded_at[chosen],
        duration=duration,
        block=block,
        csat=csat,
        ces=np.full(count, GAP),
        nps=nps,
        solved=np.full(count, NOTHING),
        open_text=open_text,
        reason_text=np.full(count, NOTHING),
        language=people.language[invitations.person[chosen]],
        is_complete=~dropped,
        kind=kind,
        felt=felt,
    )


def invitations_changed_at(invitations: Invitations, cut: int) -> Ints:
    """Time of the last change of every invitation before `cut`; NEVER where it is not sent yet."""
    last = invitations.sent_at.copy()
    for times in (invitations.opened_at, invitations.reminded_at):
        last = np.where(times < cut, np.maximum(last, times), last)
    return np.where(invitations.sent_at < cut, last, NEVER)
