"""What a source YAML may say. `docs/sources.md` explains each key."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

GROUPS = ("crm", "tickets", "surveys", "reviews")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _cell_text(value: Any) -> Any:
    """A value as the text that stands in a cell: `-99`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _as_list(value: Any) -> Any:
    return [_cell_text(one) for one in value] if isinstance(value, list | tuple) else [_cell_text(value)]


_CELL = {"type": ["string", "integer", "number", "boolean"]}
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [_CELL, {"type": "array", "items": _CELL}]}),
]
CellText = Annotated[
    str | None,
    BeforeValidator(_cell_text),
    WithJsonSchema({"type": ["string", "integer", "number", "boolean", "null"]}),
]
ValueMap = dict[str, CellText]
# The entry of a value map for every text that it does not name.
ANYTHING_ELSE = "*"
# In `key_of`: every column of the file.
ALL_COLUMNS = "*"


class ColumnMapping(_Strict):
    """Where one column of a contract comes from."""

    from_: Texts = Field((), alias="from", description="spellings of the source column; the first one present is taken")
    constant: CellText = None
    concat: tuple[Texts, ...] = Field((), description="columns (each with its spellings) whose texts are joined")
    separator: str = Field("", description="between the texts of `concat`")
    key_of: tuple[Texts, ...] = Field((), description="columns whose cells make a key; `*` is every column of the file")
    occurrence: bool = Field(False, description="tell records with the same `key_of` apart by their order")
    values: str | ValueMap | None = Field(None, description="named or inline map of raw text to value")
    formats: Texts = Field((), description="strptime formats, tried in order; default ISO 8601")
    time_zone: str | None = None
    missing: Texts = ()
    strip: Texts = Field((), description="texts removed before a number is read")
    decimal_mark: Literal[".", ","] | None = Field(None, description="what stands before the decimals; default .")
    factor: Decimal | None = Field(None, gt=0, description="the number times this is in the contract's unit")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if [bool(self.from_), self.constant is not None, bool(self.concat), bool(self.key_of)].count(True) != 1:
            raise ValueError("needs one of `from`, `constant`, `concat` and `key_of`")
        if self.separator and not self.concat:
            raise ValueError("`separator` belongs to `concat`")
        if self.occurrence and not self.key_of:
            raise ValueError("`occurrence` belongs to `key_of`")
        if self.decimal_mark and self.decimal_mark in "".join(self.strip):
            raise ValueError(f"`strip` removes the decimal mark {self.decimal_mark}")
        return self

    @property
    def source_columns(self) -> list[Texts]:
        """The source columns that it is made from, each with its spellings (`*` names none)."""
        groups = [self.from_] if self.from_ else [*self.concat, *self.key_of]
        return [one for one in groups if one != (ALL_COLUMNS,)]


class EntityMapping(_Strict):
    """How a feed's records become rows of one entity."""

    key_spaces: dict[str, str] = Field(default_factory=dict, description="id column: key space; default the source")
    columns: dict[str, ColumnMapping] = Field(default_factory=dict)
    questionnaire: str | None = Field(None, description="melt the wide columns of this questionnaire's questions")
    only: dict[str, Texts] = Field(
        default_factory=dict, description="source column: its texts; records with other texts are other entities' rows"
    )


def _options(value: Any) -> Any:
    """Options by id; a plain list gives each its own text, reduced to letters, digits and _, as its id."""
    if not isinstance(value, list):
        return value
    options = {re.sub(r"\W+", "_", str(text)).strip("_"): text for text in value}
    if len(options) != len(value):
        raise ValueError("two options have the same id; give them ids: {id: text}")
    return options


class MultipleChoice(_Strict):
    """A question of which several options can be ticked: each option is answered with 1 or 0."""

    options: Annotated[dict[str, Texts], BeforeValidator(_options)] = Field(
        min_length=1, description="the options in their order: a list of texts, or id: text (or its spellings)"
    )
    separator: str = Field("┋", min_length=1, description="between the ticked options of one cell")
    option_headers: Texts = Field((), description="headers of a file with a column per option, {option} in them")

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> MultipleChoice:
        for option, texts in self.options.items():
            if not re.fullmatch(r"[\w\-]+", option):
                raise ValueError(f"the id {option!r} of an option has other characters than letters, digits, _ and -")
            if any(self.separator in text for text in texts):
                raise ValueError(f"the option {option} holds the separator {self.separator}")
        for header in self.option_headers:
            if "{option}" not in header:
                raise ValueError(f"{header} has no {{option}}")
        return self

    def headers_of(self, option: str) -> tuple[str, ...]:
        """The headers under which a file may have a column for one option."""
        return tuple(
            header.replace("{option}", text).strip() for header in self.option_headers for text in self.options[option]
        )


# A condition on another question's answer: s1.score <= 2
_CONDITION = r"^\s*([\w.\-]+)\s*(<=|>=|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$"


def condition_parts(condition: str) -> tuple[str, str, str]:
    """Question, operator and number of a condition on another answer.

    Raises:
        ValueError: it is none; the schema has checked those of sources.
    """
    match = re.match(_CONDITION, condition)
    if match is None:
        raise ValueError(f"no condition: {condition!r}")
    question, operator, number = match.groups()
    return question, operator, number


class Question(_Strict):
    """One question of a questionnaire."""

    id: str
    headers: Texts = ()
    en: str | None = None
    zh: str | None = None
    block: str | None = None
    dimension: str | None = None
    scale: tuple[float, float] | None = None
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"
    reverse_keyed: bool = False
    opposite_of: str | None = None
    shown_if: str | None = Field(None, pattern=_CONDITION)
    contradicted_by: str | None = Field(
        None, pattern=_CONDITION, description="another answer beside which the top answer is a contradiction"
    )
    required: bool = False
    role: Literal["nps", "csat", "ces", "first_try", "dimension", "ambiguity", "choice", "open"] = "dimension"
    satisfied_min: float | None = None
    values: str | ValueMap | None = None
    missing: Texts = ()
    not_applicable: Texts = ()
    other: Texts = Field((), description="answers of a choice that mean 'other'; with `multiple`, ids of options")
    multiple: MultipleChoice | None = None
    free_text: str | None = Field(
        None, min_length=2, max_length=2, description="the brackets around a text typed beside an option"
    )

    @model_validator(mode="before")
    @classmethod
    def _recommendation_is_asked_on_0_to_10(cls, given: Any) -> Any:
        """Give a net promoter question that states no scale the one that it is defined on, for the gate to judge by."""
        if isinstance(given, dict) and given.get("role") == "nps" and not (given.get("scale") or given.get("multiple")):
            return {**given, "scale": (0, 10)}
        return given

    @model_validator(mode="after")
    def _options_have_no_scale(self) -> Question:
        given = {"scale", "values", "block", "reverse_keyed", "opposite_of", "satisfied_min"} & self.model_fields_set
        if self.multiple and (given or self.role not in ("dimension", "choice")):
            raise ValueError(f"a question with `multiple` has no {', '.join(sorted(given)) or self.role}")
        if self.free_text and self.role == "open":
            raise ValueError("an open question is free text as it is")
        return self

    @model_validator(mode="after")
    def _other_is_a_choice(self) -> Question:
        if self.other and not self.multiple and self.role != "choice":
            raise ValueError(f"`other` is for questions of role choice, not {self.role}")
        for option in self.other if self.multiple else ():
            if self.multiple and option not in self.multiple.options:
                raise ValueError(f"`other` names {option}, which is none of the options")
        return self

    @property
    def all_headers(self) -> tuple[str, ...]:
        """Every header that may carry its answer."""
        options = self.multiple.options if self.multiple else {}
        return self.headers + tuple(h for option in options if self.multiple for h in self.multiple.headers_of(option))


class Questionnaire(_Strict):
    """What a survey asks."""

    survey_name: str
    purpose: Literal["transactional", "relationship", "pulse", "pretest", "call_back"]
    wave: str | None = None
    questions: tuple[Question, ...] = Field(min_length=1)


# What a feed may say of its files of some formats only.
_FORMATS_WITH = {
    "encoding": ("csv", "json", "jsonl"),
    "delimiter": ("csv",),
    "skip_rows": ("csv", "xlsx", "xls"),
    "header": ("csv", "xlsx", "xls"),
    "sheet": ("xlsx", "xls"),
    "records": ("json",),
}


class Feed(_Strict):
    """One stream of deliveries of a source."""

    delivery: Literal["incremental", "snapshot"]
    files: Texts = ()
    questionnaires: bool = Field(False, description="delivers survey and survey_question from the YAML itself")
    format: Literal["csv", "xlsx", "xls", "json", "jsonl", "parquet"] | None = Field(
        None, description="kind of file; default by its name's ending, that before .gz or in a .zip"
    )
    members: str | None = Field(None, min_length=1, description="pattern of the files inside a .zip; default all data")
    encoding: Texts = Field(("utf-8",), min_length=1)
    delimiter: str | None = Field(
        None, pattern=r'^[^"\r\n]$', description="between the cells of CSV; default a comma, in .tsv a tab"
    )
    skip_rows: int = Field(0, ge=0, le=1000, description="lines of CSV, rows of a sheet before the header")
    header: Annotated[Texts, Field(description="column names of a CSV or sheet that has no header")] = ()
    sheet: str | Annotated[int, Field(ge=1)] | None = Field(
        None, description="name or number (from 1) of a spreadsheet's sheet; default the first"
    )
    records: str | None = Field(
        None,
        pattern=r"^(\.|[^.]+(\.[^.]+)*)$",
        description="where a JSON object holds its list of records: path.to.list; `.`: the object is the record",
    )
    time_zone: str | None = None
    missing: Texts = ()
    entities: dict[str, EntityMapping] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_origin(self) -> Feed:
        if bool(self.files) == self.questionnaires:
            raise ValueError("needs either `files` or `questionnaires: true`")
        if self.files and not self.entities:
            raise ValueError("needs `entities`")
        return self

    @model_validator(mode="after")
    def _options_fit_the_format(self) -> Feed:
        for option, formats in _FORMATS_WITH.items():
            if option in self.model_fields_set and self.format not in (None, *formats):
                raise ValueError(f"`{option}` belongs to {', '.join(formats)}, not to {self.format}")
        if len({name.lower() for name in self.header}) < len(self.header):
            raise ValueError("`header` names a column twice")
        return self


class Source(_Strict):
    """One source system."""

    name: str = Field(alias="source", pattern=r"^[a-z][a-z0-9_]*$")
    system: str
    group: Literal["crm", "tickets", "surveys", "reviews"]
    folder: str = "."
    time_zone: str | None = None
    missing: Texts = ("",)
    decimal_mark: Literal[".", ","] = "."
    personal: Texts = Field((), description="source columns with personal data that nothing maps: never shown")
    value_maps: dict[str, ValueMap] = Field(default_factory=dict)
    questionnaires: dict[str, Questionnaire] = Field(default_factory=dict)
    feeds: dict[str, Feed] = Field(min_length=1)


class Installation(_Strict):
    """What `installation.yml` may say of all sources together."""

    key_spaces: tuple[str, ...] = Field((), description="key spaces of customers, the most trusted first")
