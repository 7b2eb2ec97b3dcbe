"""The steps of the DAG `release_rows`: what a run is about, and the decision that a person approved."""
# ruff: noqa: PLC0415 - imports stand inside the steps: parsing the DAG stays cheap, and a failing one fails its step

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from include.errors import MetricsError
from include.settings import load_settings

if TYPE_CHECKING:
    from include.gate.releasing import Asked


def ask() -> dict[str, str]:
    """Check that the decision can be taken. Returns what the person is shown: `subject`, and `body` as Markdown."""
    from include.gate.release_command import decision_words, word
    from include.gate.releasing import prepared_decision
    from include.gate.waiting import waiting

    settings = load_settings()
    # Who and why come with the answer.
    asked = _asked(who="?", why="?")
    try:
        decision = prepared_decision(settings, asked)
        told = [one for one in waiting(settings.home) if one.batch_id == decision.batch_id]
    except MetricsError as error:
        raise AirflowFailException(str(error)) from error
    lines = [
        f"- {one.rule_id}: {one.rows:,} ({', '.join(one.keys)})" if one.entity else f"- {one.message or one.status}"
        for one in told
    ]
    subject = decision_words(decision, settings.language)
    return {"subject": subject, "body": "\n".join([subject, "", *lines, "", word(settings.language, "say_why")])}


def record(answer: Mapping[str, Any]) -> str:
    """Keep the decision that a person approved, with who and why. Returns what was decided, and from when on."""
    from include.gate.release_command import taken_words
    from include.gate.releasing import take_decision

    settings = load_settings()
    user = answer.get("responded_by_user") or {}
    why = str((answer.get("params_input") or {}).get("why") or "")
    try:
        decision = take_decision(settings, _asked(who=str(user.get("name") or user.get("id") or ""), why=why))
    except MetricsError as error:
        raise AirflowFailException(str(error)) from error
    return taken_words(decision, settings.timezone, settings.language)


def _asked(who: str, why: str) -> Asked:
    """What the run's parameters ask for."""
    from include.gate.releasing import Asked

    given = get_current_context()["params"]
    return Asked(given["batch"], given["decision"], who, why, given["rule"] or None, given["rows"] or None)
