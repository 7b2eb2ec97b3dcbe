"""Generate the sample company's export files and the answers that they must lead to."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company import truth, truth_headlines, truth_service
from include.sample_company.commerce import PRODUCTS, Contracts, Orders, simulate_contracts, simulate_orders
from include.sample_company.customers import Customers, People, simulate_customers, simulate_people
from include.sample_company.deliver_crm import deliver_crm, unknown_customer_orders, unknown_product_orders
from include.sample_company.deliver_desk import DeskDefects, choose_desk_defects, deliver_desk, first_seen
from include.sample_company.deliver_field import deliver_field
from include.sample_company.deliver_survey import deliver_survey
from include.sample_company.field import (
    Assets,
    CallBacks,
    FieldDefects,
    Visits,
    choose_field_defects,
    simulate_assets,
    simulate_call_backs,
    simulate_visits,
    ticket_assets,
)
from include.sample_company.nights import NIGHTS, Ints
from include.sample_company.surveys import (
    Invitations,
    Pretest,
    Responses,
    satisfaction,
    simulate_invitations,
    simulate_pretest,
    simulate_relationship,
    simulate_transactional,
)
from include.sample_company.tally import Tally, by_night
from include.sample_company.ticket_events import Events, write_events
from include.sample_company.tickets import Tickets, simulate_tickets

SOURCES = ("desk", "crm", "survey", "field")
ANSWERS_FILE = "known_answers.json"
MARKER_FILE = "complete.json"
Report = Callable[[str], None]


@dataclass(frozen=True)
class KnownAnswers:
    """What the generator knows about its own files; `docs/sample_company.md` says what each number means."""

    format_version: int
    seed: int
    scale: float
    nights: list[str]
    records: dict[str, Any]  # feed -> night -> records delivered
    rows: dict[str, Any]  # entity -> night -> rows that the records give
    defects: dict[str, Any]  # entity.defect -> night -> rows
    not_counted: dict[str, list[str]]  # which defects the true values leave out
    identity: dict[str, Any]
    tickets: dict[str, Any]
    surveys: dict[str, Any]
    pretest: dict[str, Any]
    contracts: dict[str, Any]
    value: dict[str, Any]
    activity: dict[str, Any]
    service: dict[str, Any]
    deliveries: dict[str, Any]
    assets: dict[str, Any]
    effects: dict[str, Any]
    headlines: dict[str, Any]  # night -> metric -> month -> value

    @staticmethod
    def read(folder: Path) -> "KnownAnswers":
        """The answers of a generated folder."""
        return KnownAnswers(**json.loads((folder / ANSWERS_FILE).read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Company:
    """Everything that is true about the company, before any system exports it."""

    customers: Customers
    people: People
    contracts: Contracts
    orders: Orders
    tickets: Tickets
    events: Events
    invitations: Invitations
    transactional: Responses
    relationship: Responses
    pretest: Pretest
    desk_defects: DeskDefects
    stranger_orders: Ints
    odd_orders: Ints
    assets: Assets
    ticket_asset: Ints  # the machine that each ticket names, -1: none
    visits: Visits
    call_backs: CallBacks
    field_defects: FieldDefects


def imagine(scale: float, seed: int) -> Company:
    """Simulate the company. Every part has a stream of random numbers of its own."""
    streams = iter(np.random.SeedSequence(seed).spawn(10))

    def rng() -> np.random.Generator:
        return np.random.default_rng(next(streams))

    customers = simulate_customers(rng(), scale, PRODUCTS)
    people = simulate_people(rng(), customers)
    contracts = simulate_contracts(rng(), scale, customers)
    orders = simulate_orders(rng(), scale, customers)
    tickets = simulate_tickets(rng(), scale, customers, people, PRODUCTS)
    events = write_events(rng(), tickets)
    survey_rng = rng()
    invitations = simulate_invitations(survey_rng, scale, customers, people, tickets)
    latent = satisfaction(survey_rng, customers, people, tickets, invitations)
    transactional = simulate_transactional(survey_rng, people, invitations, latent)
    relationship = simulate_relationship(survey_rng, people, invitations, latent)
    defect_rng = rng()
    desk_defects = choose_desk_defects(defect_rng, tickets, events)
    stranger_orders = unknown_customer_orders(defect_rng, orders)
    odd_orders = unknown_product_orders(defect_rng, orders)
    field_rng = rng()
    assets = simulate_assets(field_rng, orders, stranger_orders, odd_orders)
    machine = ticket_assets(tickets, desk_defects, assets)
    visits = simulate_visits(field_rng, scale, customers, tickets, machine, assets)
    call_backs = simulate_call_backs(field_rng, scale, tickets, transactional)
    return Company(
        customers=customers,
        people=people,
        contracts=contracts,
        orders=orders,
        tickets=tickets,
        events=events,
        invitations=invitations,
        transactional=transactional,
        relationship=relationship,
        pretest=simulate_pretest(rng()),
        desk_defects=desk_defects,
        stranger_orders=stranger_orders,
        odd_orders=odd_orders,
        assets=assets,
        ticket_asset=machine,
        visits=visits,
        call_backs=call_backs,
        field_defects=choose_field_defects(field_rng, assets, visits, call_backs),
    )


def generate(
    folder: Path, *, scale: float = 1.0, seed: int = a.DEFAULT_SEED, report: Report = lambda line: None
) -> KnownAnswers:
    """Write `folder`/<source>/<night>/<files> and `folder`/known_answers.json.

    The same scale and seed give the same bytes; a folder that already holds them is left alone. `scale` 1 is
    3,000 customers and 15,000 tickets. `report` gets a line per step.

    Raises:
        ValueError: the scale is not above 0 and at most 1000.
    """
    if not 0 < scale <= 1000:
        raise ValueError(f"scale must be above 0 and at most 1000, found {scale}")
    marker = {"format_version": a.FORMAT_VERSION, "scale": scale, "seed": seed}
    if _marker(folder) == marker:
        report("sample company: already there")
        return KnownAnswers.read(folder)
    size = f"{round(a.CUSTOMERS * scale):,} customers and {round(a.TICKETS * scale):,} tickets"
    report(f"sample company: imagining {size}")
    company = imagine(scale, seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER_FILE).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        tally = _deliver(Path(scratch), company, scale, seed, report)
        for source in SOURCES:
            if (folder / source).exists():
                shutil.rmtree(folder / source)
            (Path(scratch) / source).replace(folder / source)
    answers = _answers(company, tally, scale, seed)
    _write_json(folder / ANSWERS_FILE, asdict(answers))
    _write_json(folder / MARKER_FILE, marker)
    report(f"sample company: written to {folder}")
    return answers


def _deliver(folder: Path, company: Company, scale: float, seed: int, report: Report) -> Tally:
    tally = Tally()
    desk, crm, survey, field = (np.random.default_rng(part) for part in np.random.SeedSequence(seed + 1).spawn(4))
    c = company
    first = first_seen(c.people, c.tickets, c.invitations)
    report("sample company: writing the ticket system's files")
    deliver_desk(
        folder / "desk",
        desk,
        scale,
        c.customers,
        c.people,
        first,
        c.tickets,
        c.events,
        c.desk_defects,
        c.ticket_asset,
        tally,
    )
    report("sample company: writing the CRM's files")
    deliver_crm(folder / "crm", crm, c.customers, c.contracts, c.orders, c.stranger_orders, c.odd_orders, tally)
    report("sample company: writing the survey tool's files")
    deliver_survey(
        folder / "survey",
        survey,
        c.customers,
        c.people,
        first,
        c.invitations,
        c.transactional,
        c.relationship,
        c.pretest,
        tally,
    )
    report("sample company: writing the field service's files")
    deliver_field(folder / "field", field, scale, c.assets, c.visits, c.call_backs, c.field_defects, tally)
    return tally


def _answers(company: Company, tally: Tally, scale: float, seed: int) -> KnownAnswers:
    c = company
    service = truth_service.Service(
        c.customers,
        c.people,
        c.tickets,
        c.desk_defects,
        c.ticket_asset,
        c.visits,
        c.call_backs,
        c.field_defects,
    )
    contracts = truth.contract_truth(c.contracts)
    value = truth.value_truth(c.customers, c.contracts, c.orders, c.stranger_orders)
    activity = truth.activity_truth(c.customers, c.contracts, c.orders, c.stranger_orders, c.tickets)
    return KnownAnswers(
        format_version=a.FORMAT_VERSION,
        seed=seed,
        scale=scale,
        nights=[night.isoformat() for night in NIGHTS],
        records=by_night(tally.records),
        rows=by_night(tally.rows),
        defects=by_night(tally.defects),
        not_counted={
            "ticket": list(truth.NOT_COUNTED_TICKETS),
            "survey_response": list(truth.NOT_COUNTED_RESPONSES),
            "visit": ["finished_before_arrived"],
            "follow_up": ["confirmed_unreached"],
            "asset": ["retired_before_installed"],
        },
        identity=truth.identity_truth(c.customers, c.people, c.tickets, c.desk_defects, c.stranger_orders),
        tickets=truth.ticket_truth(c.tickets, c.desk_defects),
        surveys=truth.survey_truth(c.invitations, c.transactional, c.relationship),
        pretest=truth.pretest_truth(c.pretest),
        contracts=contracts,
        value=value,
        activity=activity,
        service=truth_service.service_truth(service),
        deliveries=truth_service.delivery_truth(c.orders),
        assets=truth_service.asset_truth(service, c.assets),
        effects=truth.effect_truth(c.customers, c.tickets, c.contracts, c.invitations, c.transactional),
        headlines=truth_headlines.headline_truth(
            c.tickets,
            c.invitations,
            c.transactional,
            c.relationship,
            truth_headlines.customer_headlines(c.tickets, contracts, value, activity),
        ),
    )


def _marker(folder: Path) -> dict[str, Any] | None:
    path = folder / MARKER_FILE
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
