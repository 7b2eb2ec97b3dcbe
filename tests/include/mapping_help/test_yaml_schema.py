"""The schema for editors is up to date, takes every shipped YAML, and refuses what the loader refuses."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from include.contracts import load_contracts
from include.mapping_help.yaml_schema import SCHEMA_FILES, schema_text
from include.settings import PROJECT_ROOT

SHIPPED = sorted(
    path
    for folder in ("config/sources", "docs/examples", "tests/real_data/sources")
    for path in (PROJECT_ROOT / folder).rglob("*.yml")
)
DESK = PROJECT_ROOT / "config" / "sources" / "desk.yml"


class TextKeys(yaml.SafeLoader):
    """As an editor's YAML 1.2 reads: keys are text, `yes` is no boolean, `2026-06-01` no date."""


TextKeys.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0].rpartition(":")[2] in ("null", "merge", "int")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
TextKeys.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def read(path: Path) -> Any:
    # By way of JSON, whose keys are texts.
    return json.loads(json.dumps(yaml.load(path.read_text(encoding="utf-8"), TextKeys)))


def validator(path: Path) -> jsonschema.Draft7Validator:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


SOURCE, INSTALLATION = (validator(path) for path in SCHEMA_FILES)


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: path.name)
def test_schema_is_not_stale(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == schema_text(SCHEMA_FILES[path]), "make schema"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_shipped_yaml_is_valid_and_names_its_schema(path: Path) -> None:
    used = INSTALLATION if path.name == "installation.yml" else SOURCE
    assert [error.message for error in used.iter_errors(read(path))] == []
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() in SCHEMA_FILES


def with_change(*key: str, value: Any = None, rename: str | None = None) -> Any:
    content = copy.deepcopy(read(DESK))
    place = content
    for part in key[:-1]:
        place = place[part]
    if rename:
        place[rename] = place.pop(key[-1])
    else:
        place[key[-1]] = value
    return content


TICKET = ("feeds", "tickets", "entities", "ticket")


@pytest.mark.parametrize(
    "content",
    [
        with_change("feeds", "tickets", "delivery", rename="delivry"),
        with_change("feeds", "tickets", "delivery", value="nightly"),
        with_change(*TICKET, rename="tickt"),
        with_change(*TICKET, "columns", "status", rename="stauts"),
        with_change(*TICKET, "columns", "status", value={"from": ["a"], "value": {}}),
        with_change(*TICKET, "key_spaces", value={"status": "crm"}),
        with_change("group", value="sales"),
        with_change("source", value="Not a name"),
    ],
    ids=["key", "delivery", "entity", "column", "key of a column", "id column", "group", "name"],
)
def test_a_typo_is_refused(content: Any) -> None:
    assert list(SOURCE.iter_errors(content))


def test_every_column_is_offered_with_words_in_both_languages() -> None:
    definitions = SOURCE.schema["definitions"]
    for name, contract in load_contracts().items():
        columns = definitions[f"entity_{name}"]["properties"]["columns"]["properties"]
        assert list(columns) == list(contract.mapped_columns())
        for column, spec in contract.mapped_columns().items():
            assert spec.en in columns[column]["description"] and spec.zh in columns[column]["description"]
