"""Which columns of a file are the questions of a survey, and what each asks for: scale, words, options, role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from include.mapping_help.column_profile import ColumnProfile
from include.mapping_help.matching import EntityGuess
from include.mapping_help.synonyms import boolean_of, has_word, is_word, load_synonyms, normal, without_brackets

# `1、`, `Q1`, `12.`, `第6题`: the number of a question before its words.
NUMBERED = re.compile(r"^\s*(?:第\s*(\d{1,3})\s*题|Q?\s*(\d{1,3})\s*[、.:：)）\s]|Q(\d{1,3})$)\s*", re.IGNORECASE)
# A column per option: `第6题(运动)`, `Q6 [sports]`, `6. Hobbies: sports`.
_OPTION = re.compile(r"^(?P<stem>.*?\S)\s*(?P<open>[(（\[])(?P<option>.+)(?P<close>[)）\]])\s*$")
OWN_WORDS = "〖〗"
_FEW = 12
_MOST_TEXT = 30
_TOP_SCALES = (5, 6, 7, 10)
Kind = Literal["scale", "words", "yes_no", "options", "choice", "open"]
Doubt = tuple[str, str]


@dataclass(frozen=True)
class QuestionGuess:
    """One question; `headers` carry its answer (with options of their own columns: `option_header`)."""

    headers: tuple[str, ...]
    kind: Kind
    scale: tuple[int, int] | None = None
    values: str | None = None  # a named map of answers in words
    codes: tuple[str, ...] = ()  # options of a choice in the order of their codes from 1
    options: tuple[str, ...] = ()
    option_header: str | None = None
    role: str = "dimension"
    not_applicable: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    has_own_words: bool = False
    block: str | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class SurveyGuess:
    """The questions of a file, and who answered them."""

    response: EntityGuess
    questions: tuple[QuestionGuess, ...]


def guess_survey(profiles: Mapping[str, ColumnProfile], entities: Mapping[str, EntityGuess]) -> SurveyGuess | None:
    """The survey that a file holds, or null if it looks like none.

    It does if three headers are numbered as questions are, or if most columns and at least five hold answers on a scale
    of few levels or in words (满意, agree), and no other entity explains more columns.
    """
    response = entities["survey_response"]
    metadata = {guess.header for guess in response.columns.values() if not NUMBERED.match(guess.header)}
    rest = {header: profile for header, profile in profiles.items() if header not in metadata}
    numbered = [header for header in rest if NUMBERED.match(header)]
    answers = [header for header, profile in rest.items() if _is_answer(profile)]
    explained = max((len(one.columns) for name, one in entities.items() if name != "survey_response"), default=0)
    looks_so = len(numbered) >= 3 or (len(answers) >= 5 and len(answers) * 2 >= len(profiles))
    if not looks_so or max(len(numbered), len(answers)) <= explained:
        return None
    questions = _questions(rest, set(numbered))
    if not questions:
        return None
    columns = {name: guess for name, guess in response.columns.items() if guess.header in metadata}
    return SurveyGuess(replace(response, columns=columns), tuple(_with_blocks(questions)))


def _is_answer(profile: ColumnProfile) -> bool:
    """Whether a column holds answers that hardly anything but a question has."""
    words = _words_of(profile)
    is_in_words = words is not None and words[0] != "yes_no"  # many flags are no survey
    return profile.joined > 0 or is_in_words or (_is_scale(profile) and profile.distinct > 2)


def _questions(profiles: Mapping[str, ColumnProfile], numbered: set[str]) -> list[QuestionGuess]:
    found: list[QuestionGuess] = []
    by_stem: dict[str, int] = {}
    for header, profile in profiles.items():
        stem = _option_stem(header, profile)
        if stem is not None:
            name, option, option_header = stem
            if name in by_stem:
                place = by_stem[name]
                found[place] = replace(found[place], options=(*found[place].options, option))
            else:
                by_stem[name] = len(found)
                found.append(
                    QuestionGuess((), "options", options=(option,), option_header=option_header, role="choice")
                )
            continue
        question = _question(header, profile, is_numbered=header in numbered)
        if question:
            found.append(question)
    return [
        one if len(one.options) > 1 or not one.option_header else replace(one, doubts=(("one_option", ""),))
        for one in found
    ]


def _option_stem(header: str, profile: ColumnProfile) -> tuple[str, str, str] | None:
    """Of a column that says whether one option is ticked: its question, the option, and the header with {option}."""
    match = _OPTION.match(header)
    if match is None or not set(map(normal, profile.listed)) <= set(boolean_of()) or profile.distinct > 2:
        return None
    pattern = header[: match.start("option")] + "{option}" + header[match.end("option") :]
    return match["stem"], match["option"].strip(), pattern


def _question(header: str, profile: ColumnProfile, *, is_numbered: bool) -> QuestionGuess | None:
    synonyms = load_synonyms()
    wording = without_brackets(NUMBERED.sub("", header)) or header
    base = QuestionGuess((header,), "open", missing=profile.number_sentinels)
    if not is_numbered and is_word(wording, synonyms.respondent):
        return None
    if profile.joined:
        return _with_options(base, profile)
    words = _words_of(profile)
    if words:
        name, not_applicable = words
        kind: Kind = "yes_no" if name == "yes_no" else "words"
        scale = (0, 1) if kind == "yes_no" else (1, 5)
        return replace(
            base, kind=kind, scale=scale, values=name, role=_role(wording, scale), not_applicable=not_applicable
        )
    if _is_scale(profile):
        scale = _scale(profile)
        role = _role(wording, scale)
        doubts: tuple[Doubt, ...] = () if role == "nps" else (("scale_from_answers", f"{scale[0]}-{scale[1]}"),)
        return replace(base, kind="scale", scale=scale, role=role, doubts=doubts)
    if not profile.total:
        return replace(base, role="open", doubts=(("no_answers", ""),)) if is_numbered else None
    if (
        is_numbered
        and profile.distinct <= _FEW
        and profile.mean_length <= _MOST_TEXT
        and profile.total > profile.distinct
    ):
        return _as_choice(base, profile)
    asks_for_words = is_numbered or has_word(wording, synonyms.open_questions) or wording.rstrip().endswith(("?", "？"))
    if asks_for_words and not profile.is_number and not profile.is_time and not profile.emails and not profile.phones:
        return replace(base, role="open")
    return None


def _with_options(base: QuestionGuess, profile: ColumnProfile) -> QuestionGuess:
    """A question of which several options are ticked in one cell."""
    return replace(
        base,
        kind="options",
        options=profile.options,
        role="choice",
        has_own_words=profile.in_own_words > 0,
    )


def _as_choice(base: QuestionGuess, profile: ColumnProfile) -> QuestionGuess:
    texts = dict.fromkeys(re.sub(r"〖[^〗]*〗", "", text).strip() for text in profile.listed)
    return replace(
        base,
        kind="choice",
        codes=tuple(sorted(texts, key=_by_number)),
        role="choice",
        has_own_words=profile.in_own_words > 0,
        doubts=(("codes_by_order", ""),),
    )


def _by_number(text: str) -> tuple[int, str]:
    match = re.search(r"\d+", text)
    return (int(match[0]), text) if match else (1 << 30, text)


def _words_of(profile: ColumnProfile) -> tuple[str, tuple[str, ...]] | None:
    """The named map that knows all answers of a column but those that mean "not applicable", and these."""
    if not profile.total or not profile.is_all_listed or profile.distinct > _FEW:
        return None
    synonyms = load_synonyms()
    not_applicable = tuple(text for text in profile.listed if is_word(text, synonyms.not_applicable))
    asked = [text for text in profile.listed if text not in not_applicable]
    for name, words in synonyms.answers.items():
        if asked and set(asked) <= set(words):
            return name, not_applicable
    return None


def _is_scale(profile: ColumnProfile) -> bool:
    """Whether a column holds whole numbers of a scale: a few levels between 0 and 10."""
    numbers = profile.numbers
    if not profile.total or numbers.whole < profile.total or numbers.low is None or numbers.high is None:
        return False
    return 1 < profile.distinct <= 11 and numbers.low >= 0 and numbers.high <= 10 and not numbers.strip


def _scale(profile: ColumnProfile) -> tuple[int, int]:
    """The usual scale that holds the answers."""
    low, high = int(profile.numbers.low or 0), int(profile.numbers.high or 0)
    if high <= 1:
        return 0, 1
    return (0, 10) if low == 0 else (1, next(top for top in _TOP_SCALES if high <= top))


def _role(wording: str, scale: tuple[int, int]) -> str:
    roles = load_synonyms().roles
    if scale == (0, 10) and has_word(wording, roles["nps"]):
        return "nps"
    if scale[1] > 1 and has_word(wording, roles["csat"]):
        return "csat"
    if scale[1] > 1 and has_word(wording, roles["ces"]):
        return "ces"
    return "dimension"


def _with_blocks(questions: list[QuestionGuess]) -> list[QuestionGuess]:
    """Neighbours that are answered in the same way form a block; numbers of one take the widest scale among them."""
    found: list[QuestionGuess] = []
    runs: list[list[QuestionGuess]] = []
    for question in questions:
        if runs and _is_alike(runs[-1][-1], question):
            runs[-1].append(question)
        else:
            runs.append([question])
    number = 0
    for run in runs:
        if len(run) > 1 and _is_item(run[0]):
            number += 1
            scale = max((one.scale for one in run if one.scale), key=lambda one: one[1] - one[0])
            doubts = (("scale_from_answers", f"{scale[0]}-{scale[1]}"),) if run[0].kind == "scale" else ()
            run = [replace(one, block=f"b{number}", scale=scale, doubts=doubts) for one in run]  # noqa: PLW2901
        found.extend(run)
    return found


def _is_item(question: QuestionGuess) -> bool:
    return question.kind in ("scale", "words") and question.role == "dimension" and question.scale != (0, 1)


def _is_alike(one: QuestionGuess, other: QuestionGuess) -> bool:
    if not (_is_item(one) and _is_item(other)) or one.kind != other.kind or one.values != other.values:
        return False
    # An item that nobody gave the highest mark is on its neighbours' scale all the same.
    return (
        one.scale is not None
        and other.scale is not None
        and one.scale[0] == other.scale[0]
        and one.scale[1] < 8 > other.scale[1]
    )
