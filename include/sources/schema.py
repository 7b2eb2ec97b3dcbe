"""What a source YAML may say. `docs/sources.md` explains each key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

GROUPS = ("crm", "tickets", "surveys", "reviews")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


def _cell_text(value: Any) -> Any:
    """A mapped value as the text that the type of the column then reads."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


CellText = Annotated[str | None, BeforeValidator(_cell_text)]
ValueMap = dict[str, CellText]


class ColumnMapping(_Strict):
    """Where one column of a contract comes from."""

    from_: Texts = Field((), alias="from", description="spellings of the source column; the first one present is taken")
    constant: CellText = None
    values: str | ValueMap | None = Field(None, description="named or inline map of raw text to value")
    formats: Texts = Field((), description="strptime formats, tried in order; default ISO 8601")
    time_zone: str | None = None
    missing: Texts = ()
    strip: Texts = Field((), description="texts removed before a number is read")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if bool(self.from_) == (self.constant is not None):
            raise ValueError("needs either `from` or `constant`")
        return self


class EntityMapping(_Strict):
    """How a feed's records become rows of one entity."""

    key_spaces: dict[str, str] = Field(default_factory=dict, description="id column: key space; default the source")
    columns: dict[str, ColumnMapping] = Field(default_factory=dict)
    questionnaire: str | None = Field(None, description="melt the wide columns of this questionnaire's questions")


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
    shown_if: str | None = Field(None, pattern=r"^\s*[\w.\-]+\s*(<=|>=|!=|=|<|>)\s*-?\d+(\.\d+)?\s*$")
    required: bool = False
    role: Literal["nps", "csat", "ces", "dimension", "open"] = "dimension"
    satisfied_min: float | None = None
    values: str | ValueMap | None = None
    not_applicable: Texts = ()


class Questionnaire(_Strict):
    """What a survey asks."""

    survey_name: str
    purpose: Literal["transactional", "relationship", "pulse", "pretest", "call_back"]
    wave: str | None = None
    questions: tuple[Question, ...] = Field(min_length=1)


class Feed(_Strict):
    """One stream of deliveries of a source."""

    delivery: Literal["incremental", "snapshot"]
    files: Texts = ()
    questionnaires: bool = Field(False, description="delivers survey and survey_question from the YAML itself")
    encoding: Texts = Field(("utf-8",), min_length=1)
    delimiter: str = Field(",", pattern=r'^[^"\r\n]$')
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


class Source(_Strict):
    """One source system."""

    name: str = Field(alias="source", pattern=r"^[a-z][a-z0-9_]*$")
    system: str
    group: Literal["crm", "tickets", "surveys", "reviews"]
    folder: str = "."
    time_zone: str | None = None
    missing: Texts = ("",)
    value_maps: dict[str, ValueMap] = Field(default_factory=dict)
    questionnaires: dict[str, Questionnaire] = Field(default_factory=dict)
    feeds: dict[str, Feed] = Field(min_length=1)


class Installation(_Strict):
    """What `installation.yml` may say of all sources together."""

    key_spaces: tuple[str, ...] = Field((), description="key spaces of customers, the most trusted first")
