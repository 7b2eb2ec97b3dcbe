"""A questionnaire: its questions one by one, and as rows of `survey` and `survey_question`."""

from __future__ import annotations

from collections.abc import Iterable

from include.sources.schema import Question, Questionnaire, Source, ValueMap

ENTITY = "entity"
_RATING_ROLES = ("dimension", "nps", "csat", "ces")
# A wider scale is a quantity, no rating.
_WIDEST_SCALE = 1000


def ratings(questions: Iterable[Question]) -> list[Question]:
    """The questions that are answered on a scale of ratings."""
    return [
        one
        for one in questions
        if one.scale and one.role in _RATING_ROLES and 0 < one.scale[1] - one.scale[0] <= _WIDEST_SCALE
    ]


def scale_items(questions: Iterable[Question]) -> list[Question]:
    """The ratings that are items of a same-scale block and that no other answer hides."""
    return [one for one in ratings(questions) if one.block and not one.shown_if]


def answered_questions(question: Question) -> list[Question]:
    """The questions that have an answer of their own.

    A question is one itself. One of which several options can be ticked is one per option (`<id>.<option>`, answered
    with 1 or 0), and what is typed beside an option is an open one (`<id>.text`).
    """
    asked = [question.model_copy(update={"free_text": None})]
    if question.multiple:
        # The first option alone is required: a question left empty is one gap, not one per option.
        asked = [
            question.model_copy(
                update={
                    "id": f"{question.id}.{option}",
                    "en": _with_option(question.en, texts[0]),
                    "zh": _with_option(question.zh, texts[0]),
                    "headers": question.multiple.headers_of(option),
                    "required": question.required and number == 0,
                    "role": "choice",
                    "multiple": None,
                    "other": ("1",) if option in question.other else (),
                    "free_text": None,
                }
            )
            for number, (option, texts) in enumerate(question.multiple.options.items())
        ]
    if question.free_text:
        asked.append(
            Question(
                id=f"{question.id}.text",
                headers=question.headers,
                en=_with_option(question.en, "in own words"),
                zh=_with_option(question.zh, "自填"),
                dimension=question.dimension,
                shown_if=question.shown_if,
                role="open",
            )
        )
    return asked


def _with_option(wording: str | None, option: str) -> str | None:
    return f"{wording}: {option}" if wording else None


def questionnaire_rows(source: Source) -> list[dict[str, str | None]]:
    """One row per survey and per question, all text, with the contracts' column names and the column `entity`."""
    rows: list[dict[str, str | None]] = []
    for survey_id, questionnaire in source.questionnaires.items():
        rows.append(_survey_row(survey_id, questionnaire))
        asked = [one for question in questionnaire.questions for one in answered_questions(question)]
        for position, question in enumerate(asked, start=1):
            rows.append(_question_row(source, survey_id, position, question))
    return rows


def _survey_row(survey_id: str, questionnaire: Questionnaire) -> dict[str, str | None]:
    return {
        ENTITY: "survey",
        "survey_id": survey_id,
        "survey_name": questionnaire.survey_name,
        "purpose": questionnaire.purpose,
        "wave": questionnaire.wave,
    }


def other_codes(source: Source, question: Question) -> list[str]:
    """What an answer is in the data if it means 'other': its words through the question's value map, if it has one."""
    values = values_of(source, question)
    return [str(values.get(text, text)) for text in question.other]


def values_of(source: Source, question: Question) -> ValueMap:
    """The value map of a question; empty if its answers are taken as they are."""
    values = question.values
    return source.value_maps[values] if isinstance(values, str) else values or {}


def _question_row(source: Source, survey_id: str, position: int, question: Question) -> dict[str, str | None]:
    low, high = question.scale or (None, None)
    return {
        ENTITY: "survey_question",
        "question_id": question.id,
        "survey_id": survey_id,
        "block": question.block,
        "position": str(position),
        "dimension": question.dimension,
        "question_text_en": question.en,
        "question_text_zh": question.zh,
        "scale_min": _text(low),
        "scale_max": _text(high),
        "direction": question.direction if question.scale else None,
        "is_reverse_keyed": "true" if question.reverse_keyed else "false",
        "opposite_of": question.opposite_of,
        "shown_if": question.shown_if,
        "is_required": "true" if question.required else "false",
        "metric_role": question.role,
        "satisfied_min": _text(question.satisfied_min),
        "not_applicable_codes": ", ".join(question.not_applicable) or None,
        "other_codes": ", ".join(other_codes(source, question)) or None,
    }


def _text(number: float | None) -> str | None:
    return None if number is None else f"{number:g}"
