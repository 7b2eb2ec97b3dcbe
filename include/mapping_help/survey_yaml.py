"""The questionnaire of a proposed source YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping

from include.mapping_help.column_profile import OPTION_MARK, ColumnProfile
from include.mapping_help.survey_guess import NUMBERED, OWN_WORDS, QuestionGuess, SurveyGuess
from include.mapping_help.synonyms import load_synonyms
from include.mapping_help.words import Language, word
from include.mapping_help.yaml_text import WIDTH, YamlLines, flow_list, flow_map, scalar


def value_maps_of(survey: SurveyGuess, profiles: Mapping[str, ColumnProfile]) -> dict[str, dict[str, int]]:
    """The named maps that the questions use, with the texts that stand in the file and their kin in its language."""
    found: dict[str, dict[str, int]] = {}
    for question in survey.questions:
        if question.values is None:
            continue
        words = load_synonyms().answers[question.values]
        texts = {text for header in question.headers for text in profiles[header].listed}
        is_chinese = any(not text.isascii() for text in texts)
        kept = {text: value for text, value in words.items() if text in texts}
        gaps = set(words.values()) - set(kept.values())
        for text, value in words.items():
            if value in gaps and text.isascii() != is_chinese:
                kept[text] = value  # an answer that nobody gave yet
                gaps.remove(value)
        found[question.values] = {**found.get(question.values, {}), **kept}
    return {name: dict(sorted(values.items(), key=lambda one: -one[1])) for name, values in found.items()}


def add_questionnaire(out: YamlLines, survey_id: str, title: str, survey: SurveyGuess, language: Language) -> None:
    """Add the section `questionnaires`."""
    out.add(0, "questionnaires:")
    out.add(2, f"{survey_id}:")
    out.pair(4, "survey_name", scalar(title))
    out.doubt(4, word(language, "purpose"))
    out.pair(4, "purpose", "transactional" if "ticket_id" in survey.response.columns else "relationship")
    out.doubt(4, word(language, "questions"))
    out.add(4, "questions:")
    told: set[tuple[str, str]] = set()
    for number, question in enumerate(survey.questions, start=1):
        for doubt, about in question.doubts:
            # Once for all.
            if (doubt, about) not in told:
                told.add((doubt, about))
                out.doubt(6, word(language, doubt, about=about))
        if question.role == "csat":
            out.doubt(6, f"satisfied_min: {word(language, 'satisfied')}")
        _add_question(out, survey_id, number, question)


def _add_question(out: YamlLines, survey_id: str, number: int, question: QuestionGuess) -> None:
    parts = {**_asked(survey_id, number, question), **_answered(question)}
    line = f"- {flow_map({key: one if isinstance(one, str) else flow_map(one) for key, one in parts.items()})}"
    if len(line) + 6 <= WIDTH:
        out.add(6, line)
        return
    out.add(6, f"- id: {parts.pop('id')}")
    for key, value in parts.items():
        out.pair(8, key, value)


def _asked(survey_id: str, number: int, question: QuestionGuess) -> dict[str, str | Mapping[str, str]]:
    """The keys that say what is asked."""
    header = question.headers[0] if question.headers else (question.option_header or "").split("{option}")[0]
    wording = NUMBERED.sub("", header).strip(" ([（") or header.strip(" ([（")
    own = wording if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,11}", wording) else f"q{number:02d}"
    parts: dict[str, str | Mapping[str, str]] = {"id": f"{survey_id}.{own}"}
    if question.headers:
        parts["headers"] = flow_list(question.headers)
    if own != wording:
        parts["zh" if re.search(r"[\u4e00-\u9fff]", wording) else "en"] = scalar(wording)
    if question.block:
        parts["block"] = question.block
    if question.scale:
        parts["scale"] = f"[{question.scale[0]}, {question.scale[1]}]"
    if question.role != "dimension" and question.kind != "options":
        parts["role"] = question.role
    if question.role == "csat" and question.scale:
        parts["satisfied_min"] = str(question.scale[1] - 1)
    return parts


def _answered(question: QuestionGuess) -> dict[str, str | Mapping[str, str]]:
    """The keys that say how the answers are written."""
    parts: dict[str, str | Mapping[str, str]] = {}
    if question.values:
        parts["values"] = question.values
    if question.codes:
        parts["values"] = {scalar(text): str(place) for place, text in enumerate(question.codes, start=1)}
    if question.options:
        multiple = {"options": _options(question.options)}
        if question.option_header:
            multiple["option_headers"] = flow_list([question.option_header])
        else:
            multiple["separator"] = scalar(OPTION_MARK)
        parts["multiple"] = multiple
    if question.has_own_words:
        parts["free_text"] = OWN_WORDS
    if question.not_applicable:
        parts["not_applicable"] = flow_list(question.not_applicable)
    if question.missing:
        parts["missing"] = flow_list(["", *question.missing])
    return parts


def _options(options: tuple[str, ...]) -> str:
    """A list, where each option's own text can be its id; else ids by number."""
    ids = {re.sub(r"\W+", "_", text).strip("_") for text in options}
    if len(ids) == len(options) and all(re.fullmatch(r"[\w\-]+", one) for one in ids):
        return flow_list(options)
    return flow_map({f"o{number}": scalar(text) for number, text in enumerate(options, start=1)})
