"""What people decided about deliveries that were stopped and rows that are held: `decisions/<id>.json`, append-only.

A decision is an input of the nights after it: one taken when night D was the last that had begun is in force from the
next night on. So a night that was published gives what it gave, however often it is run again. A batch of which a
decision has come into force is judged again, whole; its gate names the decisions that it followed (`Gate.decisions`),
and what a gate has named is not applied twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.gate.ledger import Gate
from include.settings import night_id

FORMAT_VERSION = 1
Verdict = Literal["release", "discard"]
# The reason of every row that a person discarded.
DISCARDED_RULE = "row_discarded"
DISCARDED_WORDS = (DISCARDED_RULE, "A person discarded the row", "经人工决定作废")


class Decision(BaseModel):
    """One decision of one person about one batch."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    batch_id: str
    source: str
    feed: str
    verdict: Verdict
    rows: dict[str, str] = Field(
        default_factory=dict, description="entity: row numbers, as 1-5,9; empty: the whole delivery"
    )
    rule: str | None = Field(None, description="the rule by which the rows were chosen, if by one")
    row_count: int | None = Field(None, description="how many rows were chosen; null for the whole delivery")
    who: str
    why: str
    decided_at: datetime = Field(description="wall clock, for display")
    after: datetime = Field(description="the last night that had begun; in force from the next one on")
    number: int = Field(description="decisions hold in this order")

    @property
    def decision_id(self) -> str:
        """The night after which it is in force, its number, and 8 hex digits of its content."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(content.encode()).hexdigest()
        return f"{night_id(self.after)}.{self.number:05}.{digest[:8]}"

    @property
    def is_whole(self) -> bool:
        """Whether it is about the delivery as a whole."""
        return not self.rows

    @property
    def words(self) -> str:
        """Who decided, and why, on one line."""
        return f"{self.who}: {' '.join(self.why.split())}"


class DecidedRows(BaseModel):
    """Rows of an entity that a person decided about; `ranges` are row numbers, as 1-5,9."""

    model_config = ConfigDict(frozen=True)

    entity: str
    verdict: Verdict
    ranges: str
    words: str


class Standing(BaseModel):
    """What the decisions in force say of one batch; later ones replace earlier ones about the same."""

    model_config = ConfigDict(frozen=True)

    decisions: tuple[str, ...] = ()
    whole: Verdict | None = None
    words: str = Field("", description="of the decision about the whole delivery")
    rows: tuple[DecidedRows, ...] = Field((), description="in their order: of a row the last one holds")

    def is_new_to(self, gate: Gate) -> bool:
        """Whether the gate did not follow all of these decisions."""
        return not set(self.decisions) <= set(gate.decisions)


def decisions_folder(home: Path) -> Path:
    """Where decisions lie."""
    return home / "decisions"


def write_decision(home: Path, decision: Decision) -> None:
    """Keep a decision for ever."""
    path = decisions_folder(home) / f"{decision.decision_id}.json"
    files.write_json(path, decision.model_dump(mode="json"))


def read_decisions(home: Path) -> list[Decision]:
    """All decisions, in the order in which they hold.

    Raises:
        DamagedFileError: one is not what was written.
    """
    paths = decisions_folder(home).glob("[!.]*.json")
    found = [Decision.model_validate(files.read_json(path)) for path in paths]
    return sorted(found, key=lambda one: (one.number, one.decision_id))


def in_force(decisions: Iterable[Decision], night: datetime) -> list[Decision]:
    """The decisions that hold in a night."""
    return [one for one in decisions if one.after < night]


def standings(decisions: Sequence[Decision]) -> dict[str, Standing]:
    """What decisions say of each batch that they are about."""
    return {batch: _standing([one for one in decisions if one.batch_id == batch]) for batch in _batches(decisions)}


def gates_following(gates: Iterable[Gate]) -> dict[str, Gate]:
    """Decision -> the first gate that followed it."""
    first: dict[str, Gate] = {}
    for gate in sorted(gates, key=lambda one: (one.night, one.gate_no)):
        for name in gate.decisions:
            first.setdefault(name, gate)
    return first


def decided_rows_sql(rows: Sequence[DecidedRows], entity: str) -> tuple[str, list[str]]:
    """SQL of `row_number, verdict, words`: of each row that was decided about the last decision, and its parameters."""
    mine = [one for one in rows if one.entity == entity]
    if not mine:
        return "select null::bigint as row_number, null::varchar as verdict, null::varchar as words where false", []
    given = " union all ".join(
        f"select {place} as place, ? as verdict, ? as words, ? as ranges" for place in range(len(mine))
    )
    sql = f"""
        select row_number, arg_max(verdict, place) as verdict, arg_max(words, place) as words
        from (
            select place, verdict, words,
                   unnest(range(split_part(part, '-', 1)::bigint, split_part(part, '-', -1)::bigint + 1)) as row_number
            from (select place, verdict, words, unnest(string_split(ranges, ',')) as part from ({given}))
        ) group by row_number"""
    return sql, [text for one in mine for text in (one.verdict, one.words, one.ranges)]


def _batches(decisions: Iterable[Decision]) -> list[str]:
    return list(dict.fromkeys(one.batch_id for one in decisions))


def _standing(decisions: Sequence[Decision]) -> Standing:
    whole = next((one for one in reversed(decisions) if one.is_whole), None)
    return Standing(
        decisions=tuple(one.decision_id for one in decisions),
        whole=whole.verdict if whole else None,
        words=whole.words if whole else "",
        rows=tuple(
            DecidedRows(entity=entity, verdict=one.verdict, ranges=ranges, words=one.words)
            for one in decisions
            for entity, ranges in one.rows.items()
        ),
    )
