"""Errors that a person can act on: each kind has a code, and each code a page in the runbook."""

from __future__ import annotations

from typing import ClassVar


class MetricsError(Exception):
    """Something that a person can mend; the text says what and where, and ends with the code of the runbook's page."""

    default_code: ClassVar[str]

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.args[0]} [{self.code}]"
