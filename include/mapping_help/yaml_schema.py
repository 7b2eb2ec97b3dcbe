"""JSON Schema of a source YAML, for completion and checks in editors: the models' keys, the contracts' columns."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from include import files
from include.contracts import Column, Contract, load_contracts
from include.settings import PROJECT_ROOT
from include.sources.schema import Installation, Source

SCHEMA_FILES: dict[Path, type[BaseModel]] = {
    PROJECT_ROOT / "config" / "source.schema.json": Source,
    PROJECT_ROOT / "config" / "installation.schema.json": Installation,
}
_DIALECT = "http://json-schema.org/draft-07/schema#"  # what the editors' language server knows best
Schema = dict[str, Any]


def schema_text(model: type[BaseModel]) -> str:
    """The schema of a kind of YAML, as it stands in its file."""
    schema = source_schema() if model is Source else _tidy(model.model_json_schema(by_alias=True))
    return json.dumps({"$schema": _DIALECT, **schema}, ensure_ascii=False, indent=1) + "\n"


def write_schemas() -> list[Path]:
    """Write the schema files of the project; the paths."""
    for path, model in SCHEMA_FILES.items():
        files.write_bytes(path, schema_text(model).encode())
    return list(SCHEMA_FILES)


def source_schema() -> Schema:
    """What a source YAML may hold, with the entities and columns of the contracts."""
    schema = Source.model_json_schema(by_alias=True)
    models = schema.pop("$defs")
    by_columns = models.pop("EntityMapping")
    models["ColumnMapping"] = _with_short_form(models["ColumnMapping"])
    models["Feed"]["properties"]["entities"] = {
        "type": "object",
        "description": "the canonical entities that its records become",
        "properties": {name: {"$ref": f"#/definitions/entity_{name}"} for name in load_contracts()},
        "additionalProperties": False,
    }
    models["MultipleChoice"]["properties"]["options"] = {
        "description": models["MultipleChoice"]["properties"]["options"].get("description"),
        "anyOf": [
            {"type": "array", "minItems": 1, "items": {"type": ["string", "integer", "number", "boolean"]}},
            {"type": "object", "minProperties": 1},
        ],
    }
    for name, contract in load_contracts().items():
        models[f"entity_{name}"] = _entity(by_columns, contract)
    return _tidy({**schema, "definitions": models})


def _entity(template: Schema, contract: Contract) -> Schema:
    columns = contract.mapped_columns()
    schema = deepcopy(template)
    schema["description"] = f"{contract.name['en']} / {contract.name['zh']}. {contract.grain}"
    properties = schema["properties"]
    properties["columns"] = {
        "type": "object",
        "description": "column of the entity: where it comes from",
        # Beside the reference, as a draft-07 reader ignores what stands next to `$ref`.
        "properties": {
            name: {"description": _described(contract, name, column), "allOf": [{"$ref": "#/$defs/ColumnMapping"}]}
            for name, column in columns.items()
        },
        "additionalProperties": False,
    }
    properties["key_spaces"] = {
        "type": "object",
        "description": properties["key_spaces"]["description"],
        "properties": {
            name: {"type": "string", "description": f"{column.en} / {column.zh}"}
            for name, column in columns.items()
            if column.type == "id"
        },
        "additionalProperties": False,
    }
    return schema


def _described(contract: Contract, name: str, column: Column) -> str:
    told: list[str] = [column.type]
    if name in contract.key:
        told.append("key")
    if column.required:
        told.append("required")
    if column.personal:
        told.append("personal" if column.is_hashed else "free text, masked")
    if column.references:
        told.append(f"refers to {column.references}")
    if column.values:
        told.append(f"one of {', '.join(column.values)}")
    return f"{column.en} / {column.zh} ({'; '.join(told)})"


def _with_short_form(schema: Schema) -> Schema:
    """`[a, b]` and `a` stand for `{from: [a, b]}`."""
    spellings = schema["properties"]["from"]["anyOf"]
    return {"description": schema["description"], "anyOf": [*spellings, {**schema, "type": "object"}]}


def _tidy(schema: Any, *, names: bool = False) -> Any:
    """Without what only the models' own reader needs; `names`: its keys are names, not words of JSON Schema."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {}
    for key, value in schema.items():
        if not names and (key == "title" or (key in ("default", "description") and value is None)):
            continue
        if not names and key == "$ref":
            tidy[key] = value.replace("#/$defs/", "#/definitions/")
        else:
            tidy[key] = _tidy(value, names=not names and key in ("properties", "definitions"))
    return tidy
