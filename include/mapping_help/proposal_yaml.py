"""The text of a proposed source YAML; every guess that a person is to look at has a comment `# ?` that says why."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from include.contracts import load_contracts
from include.mapping_help.column_profile import ColumnProfile
from include.mapping_help.file_shape import FileShape
from include.mapping_help.matching import ColumnGuess, EntityGuess
from include.mapping_help.survey_guess import SurveyGuess
from include.mapping_help.survey_yaml import add_questionnaire, value_maps_of
from include.mapping_help.synonyms import is_word, load_synonyms
from include.mapping_help.words import word
from include.mapping_help.yaml_schema import SCHEMA_FILES
from include.mapping_help.yaml_text import YamlLines, code, flow_list, flow_map, scalar
from include.settings import Settings

_GROUPS = {
    "crm": ("customer", "customer_identity", "contract", "order", "product", "asset", "usage", "metric_target"),
    "surveys": ("survey_response", "survey_invitation"),
    "reviews": ("review",),
}
# A required column that a file need not state.
_CONSTANTS = {("review", "platform"), ("survey_invitation", "survey_id"), ("survey_response", "survey_id")}
_LISTED_VALUES = 6
_CLOSE = 0.8
_KNOWN_SCORE = 2.0
_MOSTLY = 0.5


@dataclass(frozen=True)
class Findings:
    """What is known of a file; `entities` are what it may hold, the likeliest first."""

    settings: Settings
    file: Path
    target: Path | None
    name: str | None
    shape: FileShape
    records: int
    profiles: Mapping[str, ColumnProfile]
    entities: Sequence[EntityGuess]
    survey: SurveyGuess | None


@dataclass(frozen=True)
class ProposalText:
    """The YAML, and what it maps."""

    text: str
    source: str
    entities: tuple[str, ...]
    mapped: int
    doubts: int


def proposal_text(findings: Findings) -> ProposalText:
    """The proposal for a file."""
    return _Writer(findings).write()


class _Writer:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.language = findings.settings.language
        self.out = YamlLines()
        self.survey = findings.survey
        self.guess = findings.survey.response if findings.survey else _best(findings)
        self.plural = {"survey_response": "responses", "ticket_event": "events"}.get(
            self.guess.entity, f"{self.guess.entity}s"
        )
        self.group = next((name for name, ones in _GROUPS.items() if self.guess.entity in ones), "tickets")
        self.source = findings.name or _source_name(findings.file, self.group)
        self.personal = self._personal()
        self.mapped = 0

    def word(self, name: str, about: str = "", **more: object) -> str:
        return word(self.language, name, about=about, **more)

    def write(self) -> ProposalText:
        self._head()
        if self.survey:
            add_questionnaire(self.out, self.source, self.findings.file.stem, self.survey, self.language)
        self.out.add(0, "feeds:")
        if self.survey:
            for line in ("questionnaire:", "  delivery: snapshot", "  questionnaires: true"):
                self.out.add(2, line)
        self._feed()
        entities = [self.guess.entity]
        if self.survey:
            entities.append("survey_answer")
        elif self._identity():
            entities.append("customer_identity")
        return ProposalText(self.out.text(), self.source, tuple(entities), self.mapped, self.out.doubts)

    # --- the source ---

    def _head(self) -> None:
        findings, out = self.findings, self.out
        schema = next(path for path in SCHEMA_FILES if path.name == "source.schema.json")
        at = findings.target.parent if findings.target else findings.settings.sources
        out.add(0, f"# yaml-language-server: $schema={_seen_from(at, schema)}")
        out.say(0, self.word("proposed", file=findings.file.name, n=f"{findings.records:,}"))
        out.pair(0, "source", self.source)
        out.doubt(0, self.word("system_name"))
        out.pair(0, "system", scalar(findings.file.stem))
        out.pair(0, "group", self.group)
        out.pair(0, "folder", scalar(self._folder()))
        if self._has_local_times():
            out.doubt(0, self.word("time_zone"))
            out.pair(0, "time_zone", findings.settings.timezone)
        found = sorted({text for one in findings.profiles.values() for text in one.sentinels})
        if found:
            out.pair(0, "missing", flow_list(["", *found]))
        if self.personal:
            out.pair(0, "personal", flow_list(self.personal))
        if self.survey:
            maps = value_maps_of(self.survey, findings.profiles)
            if maps:
                out.add(0, "value_maps:")
            for name, values in maps.items():
                out.pair(2, name, {scalar(text): str(value) for text, value in values.items()})

    def _folder(self) -> str:
        """Where the file lies, so that it is found from where the YAML will stand."""
        settings = self.findings.settings
        folder = self._night_folder()[0]
        for place, name in ((settings.home, "{home}"), (settings.real_data, "{real_data}")):
            if folder.is_relative_to(place):
                return "/".join([name, *folder.relative_to(place).parts])
        return _seen_from(self.findings.target.parent, folder) if self.findings.target else folder.as_posix()

    def _night_folder(self) -> tuple[Path, str]:
        """The folder of the file, and the pattern for its files there."""
        file = self.findings.file
        stem = re.sub(r"\d[\d\-_.T]{4,}\d", "*", file.stem)
        name = re.sub(r"[{}?]", "?", f"{stem}{file.suffix}".replace("[", "[[]"))
        try:
            date.fromisoformat(file.parent.name)
        except ValueError:
            return file.parent, name
        return file.parent.parent, f"{{night}}/{name}"

    def _has_local_times(self) -> bool:
        columns = load_contracts()[self.guess.entity].columns
        return any(
            columns[name].type == "timestamp" and self.findings.profiles[guess.header].dates.is_local
            for name, guess in self.guess.columns.items()
        )

    def _personal(self) -> list[str]:
        """Columns with personal data that nothing maps."""
        used = self._used()
        return [
            header
            for header, one in self.findings.profiles.items()
            if header not in used
            and (
                is_word(header, load_synonyms().personal)
                or (one.total and one.emails + one.phones >= _MOSTLY * one.total)
            )
        ]

    def _used(self) -> set[str]:
        headers = {guess.header for guess in self.guess.columns.values()}
        if self.survey:
            for question in self.survey.questions:
                headers.update(question.headers)
                headers.update((question.option_header or "").replace("{option}", one) for one in question.options)
        return headers

    # --- the feed ---

    def _feed(self) -> None:
        out = self.out
        out.add(2, f"{self.plural}:")
        out.say(4, self.word("delivery"))
        out.pair(4, "delivery", "incremental")
        out.pair(4, "files", scalar(self._night_folder()[1]))
        for key, value in self.findings.shape.options.items():
            doubt = self.findings.shape.doubts.get(key)
            if doubt:
                out.doubt(4, self.word(doubt))
            out.pair(4, key, _option(value))
        out.add(4, "entities:")
        self._entity_doubts()
        out.add(6, f"{self.guess.entity}:")
        out.add(8, "columns:")
        self._columns()
        if self.survey:
            self._answers()
        else:
            self._customer_identity()
        self._unmapped()

    def _entity_doubts(self) -> None:
        if self.survey:
            return
        rivals = [one for one in self.findings.entities if one.entity != self.guess.entity]
        if self.guess.score < _KNOWN_SCORE:
            others = ", ".join(name for name in load_contracts() if name != self.guess.entity)
            self.out.doubt(6, self.word("entity_unknown", others=others))
            return
        close = [one.entity for one in rivals if one.score >= _CLOSE * self.guess.score]
        if close:
            self.out.doubt(6, self.word("entity_open", others=", ".join(close)))

    def _columns(self) -> None:
        contract = load_contracts()[self.guess.entity]
        for name, column in contract.mapped_columns().items():
            guess = self.guess.columns.get(name)
            if guess:
                self._column(name, guess)
            elif contract.key == (name,):
                self._made_key(name)
            elif (self.guess.entity, name) in _CONSTANTS:
                if not self.survey:
                    self.out.doubt(10, self.word("constant"))
                self.out.pair(10, name, flow_map({"constant": self.source}))
            elif column.required:
                self.out.doubt(10, self.word("column_not_found"))
                self.out.pair(10, name, flow_list([name]))
        for doubt, about in self.guess.doubts:
            if about.partition(" → ")[0] not in self._used():
                self.out.doubt(10, self.word(doubt, about))

    def _column(self, name: str, guess: ColumnGuess) -> None:
        self.mapped += 1
        out = self.out
        for doubt, about in guess.doubts:
            out.doubt(10, self.word(doubt, about))
        is_key = load_contracts()[self.guess.entity].key == (name,)
        if is_key and not self.guess.key_is_unique:
            out.doubt(10, self.word("key_not_unique"))
        if guess.missing:
            out.doubt(10, self.word("number_sentinels", ", ".join(guess.missing)))
        parts: dict[str, str] = {"from": flow_list([guess.header])}
        if guess.formats:
            parts["formats"] = flow_list(guess.formats)
        if guess.missing:
            parts["missing"] = flow_list(["", *guess.missing])
        if guess.strip:
            parts["strip"] = flow_list(guess.strip)
        if guess.decimal_mark:
            parts["decimal_mark"] = f'"{guess.decimal_mark}"'
        if guess.factor is not None:
            parts["factor"] = f"{guess.factor:f}"
        values = {scalar(text): code(value) for text, value in guess.values.items()}
        if not values and not guess.unknown_values:
            out.pair(10, name, parts["from"] if len(parts) == 1 else parts)
        elif values and not guess.unknown_values and len(flow_map(values)) < 70:
            out.pair(10, name, {**parts, "values": flow_map(values)})
        else:
            self._long_column(name, parts, values, guess)

    def _long_column(self, name: str, parts: Mapping[str, str], values: Mapping[str, str], guess: ColumnGuess) -> None:
        out = self.out
        out.add(10, f"{name}:")
        for key, value in parts.items():
            out.pair(12, key, value)
        out.add(12, "values:")
        for text, value in values.items():
            out.pair(14, text, value)
        codes = ", ".join(load_contracts()[self.guess.entity].columns[name].values)
        for text, rows in guess.unknown_values.items():
            out.doubt(14, self.word("unknown_value", scalar(text), n=f"{rows:,}", codes=codes))

    def _made_key(self, name: str) -> None:
        """A key made from the cells of a record, without those of personal data."""
        self.out.doubt(10, self.word("key_of"))
        columns = load_contracts()[self.guess.entity].columns
        hidden = {guess.header for column, guess in self.guess.columns.items() if columns[column].is_hashed}
        hidden.update(self.personal)
        cells = [one for one in self.findings.profiles if one not in hidden] if hidden else ["*"]
        parts = {"key_of": flow_list(cells)}
        if self.survey:
            parts["occurrence"] = "true"  # two people may give the same answers
        self.out.pair(10, name, parts)

    def _answers(self) -> None:
        key = self.guess.columns.get("response_id")
        self.out.add(6, "survey_answer:")
        self.out.pair(8, "questionnaire", self.source)
        self.out.add(8, "columns:")
        if key:
            self.out.pair(10, "response_id", flow_list([key.header]))
        else:
            parts = next(line for line in self.out.lines if line.strip().startswith("response_id: {key_of"))
            self.out.lines.append(parts)

    def _identity(self) -> bool:
        columns = self.guess.columns
        return self.guess.entity == "customer" and "customer_id" in columns and bool({"email", "phone"} & set(columns))

    def _customer_identity(self) -> None:
        if not self._identity():
            return
        self.out.say(6, self.word("identity"))
        self.out.add(6, "customer_identity:")
        self.out.add(8, "columns:")
        for name in ("customer_id", "email", "phone", "updated_at"):
            guess = self.guess.columns.get(name)
            if guess:
                parts = {"from": flow_list([guess.header])}
                if guess.formats:
                    parts["formats"] = flow_list(guess.formats)
                self.out.pair(10, name, parts["from"] if len(parts) == 1 else parts)

    def _unmapped(self) -> None:
        used = self._used()
        rest = [one for header, one in self.findings.profiles.items() if header not in used]
        if not rest:
            return
        self.out.say(4, self.word("unmapped_head"))
        for one in rest:
            self.out.say(4, f"  {one.name}: {self._described(one)}")

    def _described(self, profile: ColumnProfile) -> str:
        if not profile.total:
            return self.word("is_empty")
        is_number = profile.is_number and not profile.numbers.strip
        kind = "is_times" if profile.is_time else "is_numbers" if is_number else "is_text"
        told = f"{self.word(kind)}, {self.word('values_of', n=f'{profile.distinct:,}')}"
        # What stands there again and again is a code, and nobody's name.
        is_code = profile.distinct <= _LISTED_VALUES and profile.distinct * 10 <= profile.total
        if is_code and profile.name not in self.personal:
            told += f": {', '.join(profile.listed)}"
        return " ".join(told.split())


def _best(findings: Findings) -> EntityGuess:
    return findings.entities[0]


def _seen_from(folder: Path, path: Path) -> str:
    """A path as a YAML in a folder names it: relative, unless they share nothing but the root."""
    is_far = os.path.commonpath([folder, path]) == path.anchor
    return path.as_posix() if is_far else Path(os.path.relpath(path, folder)).as_posix()


def _source_name(file: Path, group: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"\d[\d\-_.T]{4,}\d", "", file.name.partition(".")[0]).lower()).strip("_")
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else f"{group}_export"


def _option(value: Any) -> str:
    if isinstance(value, list):
        return flow_list(value)
    return str(value) if isinstance(value, int) else scalar(value)
