"""`int_customer_resolved` against a slow, obvious reference on random worlds of records."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.warehouse_fixture import WarehouseFixture

SPACES = ["crm", "desk", "survey"]
UNRANKED = "shop"
WORLDS = 25


@dataclass
class Record:
    """One customer ID of one key space and what it is known by."""

    space: str
    name: str
    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    external: set[tuple[str, str]] = field(default_factory=set)
    merged_into: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Key space and ID."""
        return self.space, self.name


def _world(pick: random.Random, number: int) -> list[Record]:
    records = []
    for space in [*SPACES, UNRANKED]:
        for place in range(pick.randrange(1, 5)):
            record = Record(space, f"w{number}-{space[0]}{place}")
            record.emails = {f"w{number}-mail{pick.randrange(5)}" for _ in range(pick.randrange(3))}
            record.phones = {f"w{number}-phone{pick.randrange(5)}" for _ in range(pick.randrange(2))}
            if space != "crm" and pick.random() < 0.3:
                record.external = {("crm", f"w{number}-c{pick.randrange(6)}")}
            if space == "crm" and place and pick.random() < 0.4:
                record.merged_into = f"w{number}-c{pick.randrange(4)}"
            records.append(record)
    return records


def _resolve(records: list[Record]) -> dict[tuple[str, str], tuple[str, str]]:
    """The customer of every record, one record after the other, by the words of the rule."""
    by_key = {record.key: record for record in records}
    for record in list(records):
        if record.merged_into and (record.space, record.merged_into) not in by_key:
            survivor = Record(record.space, record.merged_into)
            by_key[survivor.key] = survivor

    def survivor_of(record: Record) -> Record:
        seen = [record]
        while seen[-1].merged_into and seen[-1].merged_into != seen[-1].name:
            following = by_key[seen[-1].space, seen[-1].merged_into]
            if following in seen:
                return record
            seen.append(following)
        return seen[-1]

    members = defaultdict(list)
    for record in by_key.values():
        members[survivor_of(record).key].append(record)
    customer: dict[tuple[str, str], tuple[str, str]] = {}
    for rank in [*SPACES, UNRANKED]:
        resolved = dict(customer)
        for key in [key for key in members if key[0] == rank]:
            customer[key] = _join(key, members, resolved)
    return {record.key: customer[survivor_of(record).key] for record in by_key.values()}


def _join(
    key: tuple[str, str],
    members: dict[tuple[str, str], list[Record]],
    resolved: dict[tuple[str, str], tuple[str, str]],
) -> tuple[str, str]:
    def known_by(own: list[Record]) -> list[set[object]]:
        return [
            {item for record in own for item in (record.key, *record.external)},
            {item for record in own for item in record.emails},
            {item for record in own for item in record.phones},
        ]

    for method, mine in enumerate(known_by(members[key])):
        found = {resolved[other] for other in resolved if known_by(members[other])[method] & mine}
        if len(found) == 1:
            return found.pop()
    return key


def test_identity_equals_the_reference(tmp_path: Path) -> None:
    pick = random.Random(7)
    home = WarehouseFixture(tmp_path, key_spaces=SPACES)
    expected: dict[tuple[str, str], tuple[str, str]] = {}
    worlds = [_world(pick, number) for number in range(WORLDS)]
    for world in worlds:
        expected |= _resolve(world)
    for space in [*SPACES, UNRANKED]:
        own = [record for world in worlds for record in world if record.space == space]
        home.deliver(
            "customer",
            [
                {
                    "customer_id": r.name,
                    "merged_into_customer_id": r.merged_into,
                    "email_hash": min(r.emails, default=None),
                }
                for r in own
            ],
            source=space,
        )
        home.deliver(
            "customer_identity",
            [
                {"customer_id": r.name, "contact_id": f"{kind}{n}", **value}
                for r in own
                for kind, values in (
                    ("mail", [{"email_hash": item} for item in sorted(r.emails)]),
                    ("phone", [{"phone_hash": item} for item in sorted(r.phones)]),
                    ("external", [{"external_id": b, "external_id_space": a} for a, b in sorted(r.external)]),
                )
                for n, value in enumerate(values)
            ],
            source=space,
        )  # fmt: skip
    home.build("--select", "+int_customer_resolved", tests=False)
    rows = home.rows(
        "select key_space, record_id, customer_key_space, customer_id from intermediate.int_customer_resolved"
    )
    found = {(row["key_space"], row["record_id"]): (row["customer_key_space"], row["customer_id"]) for row in rows}
    assert len(found) == len(rows)
    assert found == expected
    # the worlds hold what the rule is about
    assert sum(one != two for one, two in expected.items()) > 60
    assert any(one[0] == UNRANKED and two[0] == "survey" for one, two in expected.items())
