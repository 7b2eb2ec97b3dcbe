"""Rules about a delivery as a whole: `expectations/rules/batch.yml`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ENTITY = "batch"
Figure = Literal[
    "volume", "arrival", "columns_found", "emptied", "missing", "categories", "scores", "distributions"
]  # fmt: skip
_SETTINGS: dict[Figure, frozenset[str]] = {
    "volume": frozenset(),
    "arrival": frozenset({"times", "days"}),
    "columns_found": frozenset({"share", "min_rows"}),
    "emptied": frozenset({"filled_share", "min_rows"}),
    "missing": frozenset({"rise", "min_rows", "sigmas"}),
    "categories": frozenset({"psi", "min_share", "min_rows", "sigmas"}),
    "scores": frozenset({"psi", "min_share", "min_rows", "sigmas"}),
    "distributions": frozenset({"psi", "share", "least", "min_share", "min_rows", "sigmas"}),
}
# What a delivery that is not there can't be, and what has come already.
_ONLY_NOTES: tuple[Figure, ...] = ("volume", "arrival")


class BatchRule(BaseModel):
    """One rule about a figure of a delivery."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str
    requirement: str
    figure: Figure
    verdict: Literal["note", "stop"]
    settings: dict[str, float | int] = Field(default_factory=dict)
    except_: tuple[str, ...] = Field((), alias="except")
    en: str
    zh: str

    @model_validator(mode="after")
    def _complete(self) -> BatchRule:
        if self.settings.keys() != _SETTINGS[self.figure]:
            raise ValueError(f"needs the settings {', '.join(sorted(_SETTINGS[self.figure])) or '(none)'}")
        if self.verdict == "stop" and self.figure in _ONLY_NOTES:
            raise ValueError(f"{self.figure} can be noted, not stopped")
        return self

    def leaves_alone(self, source: str, feed: str) -> bool:
        """Whether the rule does not judge a feed."""
        return f"{source}.{feed}" in self.except_

    def words(self, language: Literal["en", "zh"]) -> str:
        """The rule in words, settings filled in; shares as percent."""
        text = self.en if language == "en" else self.zh
        for name, value in self.settings.items():
            told = f"{value:.0%}" if name in ("share", "filled_share", "rise") else f"{value:g}"
            text = text.replace("{" + name + "}", told)
        return text

    def as_kept(self) -> dict[str, Any]:
        """The rule as `RuleSet.text` keeps it."""
        return self.model_dump(by_alias=True)
