"""A questionnaire as rows of `survey` and `survey_question`."""

from __future__ import annotations

from include.sources.schema import Question, Questionnaire, Source

ENTITY = "entity"


def questionnaire_rows(source: Source) -> list[dict[str, str | None]]:
    """One row per survey and per question, all text, with the contracts' column names and the column `entity`."""
    rows: list[dict[str, str | None]] = []
    for survey_id, questionnaire in source.questionnaires.items():
        rows.append(_survey_row(survey_id, questionnaire))
        for position, question in enumerate(questionnaire.questions, start=1):
            rows.append(_question_row(survey_id, position, question))
    return rows


def _survey_row(survey_id: str, questionnaire: Questionnaire) -> dict[str, str | None]:
    return {
        ENTITY: "survey",
        "survey_id": survey_id,
        "survey_name": questionnaire.survey_name,
        "purpose": questionnaire.purpose,
        "wave": questionnaire.wave,
    }


def _question_row(survey_id: str, position: int, question: Question) -> dict[str, str | None]:
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
    }


def _text(number: float | None) -> str | None:
    return None if number is None else f"{number:g}"
