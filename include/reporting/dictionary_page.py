"""The dictionary of metrics in words: what its template prints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from include.reporting.amounts import amount
from include.reporting.served_facts import DictionaryEntry, ServedFacts, local_as_of
from include.reporting.words import Kind, named, word
from include.warehouse.night_summary import Language

# The first letters of a requirement say which layer it belongs to.
_LAYERS = {"ST": "strategic", "OP": "operational", "EX": "experience", "": "other"}


@dataclass(frozen=True)
class EntryView:
    """One metric: `facts` are names and values, in the order of reading."""

    metric: str
    name: str
    other_name: str
    description: str
    # The description is in the other language, for want of one in this.
    is_borrowed: bool
    formulas: list[tuple[str, str]]
    facts: list[tuple[str, str]]


def dictionary_page(facts: ServedFacts, language: Language) -> dict[str, Any]:
    """What the template `dictionary.html.j2` is given."""
    summary = facts.summaries[language]
    layers: dict[str, list[EntryView]] = defaultdict(list)
    for entry in facts.entries.values():
        prefix = entry.requirement.split("-")[0]
        layers[_LAYERS.get(prefix, "other")].append(_entry(entry, language, summary.currency))
    moment = f"{local_as_of(summary):%Y-%m-%d %H:%M}"
    return {
        "as_of": word(language, "as_of", moment=moment, zone=summary.time_zone),
        "layers": [(layer, word(language, layer), layers[layer]) for layer in _LAYERS.values() if layers[layer]],
    }


def _entry(entry: DictionaryEntry, language: Language, currency: str) -> EntryView:
    def said(name: str) -> str:
        return word(language, name)

    def listed(kind: Kind, codes: str) -> str:
        return said("in_list").join(named(language, kind, code.strip()) for code in codes.split(",") if code.strip())

    own = entry.description_zh if language == "zh" else entry.description
    target = said("no_target") if entry.target is None else amount(entry.target, entry.unit, language, currency)
    facts = [
        (said("unit"), currency if entry.unit == "currency" else named(language, "unit", entry.unit)),
        (said("direction"), named(language, "direction", entry.direction)),
        (said("target_name"), target),
        (said("min_n"), "" if entry.min_n is None else word(language, "n", n=entry.min_n)),
        (said("interval_method"), named(language, "interval", entry.interval_method) if entry.interval_method else ""),
        (
            said("maturity"),
            "" if entry.maturity_days is None else word(language, "maturity_days", n=entry.maturity_days),
        ),
        (said("additive"), said(_additive(entry))),
        (said("grains"), listed("grain", entry.grain)),
        (said("owner"), named(language, "owner", entry.owner)),
        (said("source"), entry.source),
        (said("requirement"), entry.requirement),
        (said("dimensions"), listed("segment", entry.valid_dimensions)),
    ]
    formulas = [
        (said("formula"), entry.formula),
        (said("numerator"), entry.numerator or ""),
        (said("denominator"), entry.denominator or ""),
    ]
    return EntryView(
        metric=entry.metric,
        name=entry.name(language),
        other_name=entry.name("en" if language == "zh" else "zh"),
        description=own or entry.description,
        is_borrowed=own is None,
        formulas=[(name, text) for name, text in formulas if text],
        facts=[(name, text) for name, text in facts if text],
    )


def _additive(entry: DictionaryEntry) -> str:
    """Whether a metric adds up; a median has not even parts that do."""
    if entry.is_additive:
        return "additive_yes"
    return "additive_parts" if entry.numerator else "additive_no"
