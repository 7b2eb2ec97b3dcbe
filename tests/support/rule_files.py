"""Rules tried on small files: a CSV per entity, columns named as the contract's, the rules a row fails behind `|`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from include.gate.rules import load_rules
from tests.support.mini_company import MiniCompany

NIGHT = "2026-06-01"
# Rules of every entity, which every entity's file need not try.
OF_EVERY_ENTITY = (
    "unparsable", "missing_key", "missing_required", "unreadable_value", "changed_in_future",
    "duplicate_in_batch", "unmapped_value",
)  # fmt: skip
# A window and times of day are written to the minute, as local times.
_TIMES = ("promised_from", "promised_to")


def write_rule_source(company: MiniCompany, name: str, files: Mapping[str, str], ticket_space: str = "") -> None:
    """Write a source with a feed per file; `ticket_space`: the key space of the tickets that it speaks of."""
    feeds = []
    for entity, text in files.items():
        columns = text.strip().splitlines()[0].split(",")
        mapped = "".join(
            f"\n          {column}: "
            + (
                f'{{from: [{column}], formats: ["%Y-%m-%d %H:%M"]}}'
                if column.endswith("_at") or column in _TIMES
                else f"[{column}]"
            )
            for column in columns
        )
        space = (
            f"        key_spaces: {{ticket_id: {ticket_space}}}\n" if ticket_space and "ticket_id" in columns else ""
        )
        feeds.append(
            f'  {entity}:\n    delivery: incremental\n    files: "{{night}}/{entity}.csv"\n    entities:\n'
            f"      {entity}:\n{space}        columns:{mapped}"
        )
    head = f'source: {name}\nsystem: {name}\ngroup: crm\nfolder: "{{home}}/inbox/{name}"\n'
    company.write_source(f"{name}.yml", head + "time_zone: Asia/Shanghai\nfeeds:\n" + "\n".join(feeds) + "\n")


def deliver_rows(company: MiniCompany, name: str, files: Mapping[str, str]) -> None:
    """Deliver the files without what stands behind `|`."""
    for entity, text in files.items():
        lines = [line.rsplit("|", 1)[0] for line in text.strip().splitlines()]
        company.deliver(NIGHT, f"{entity}.csv", "\n".join(lines) + "\n", source=name)


def expected_rules(files: Mapping[str, str], entity: str) -> dict[int, set[str]]:
    """Number of the record -> rules that it is said to fail; notes mark no row."""
    notes = {rule.id for rule in load_rules().of(entity, "gate") if rule.verdict == "note"}
    return {
        number: set(line.rsplit("|", 1)[1].split()) - notes
        for number, line in enumerate(files[entity].strip().splitlines()[1:], start=1)
    }


def failed_rules(company: MiniCompany, entity: str) -> dict[int, set[str]]:
    """Number of the record -> rules that it failed."""
    found: dict[int, set[str]] = defaultdict(set)
    for record, flags in company.clean(entity, "row_number, flag_rules"):
        found[record].update((flags or "").split(","))
    for record, rule, _ in company.reasons(entity):
        found[record].add(rule)
    return {record: rules - {""} for record, rules in found.items()}


def tried_rules(files: Mapping[str, str]) -> set[str]:
    """Every rule that some row is said to fail."""
    lines = [line for text in files.values() for line in text.strip().splitlines()[1:]]
    return {rule for line in lines for rule in line.split("|")[1].split()}
