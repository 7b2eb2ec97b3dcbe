"""Texts on their way into a spreadsheet."""

from __future__ import annotations

from include.sql import literal

# What a spreadsheet takes for the beginning of a formula, also in full width, also behind blanks.
_FORMULA = r"^[\s\x00]*[=+\-@＝＋－＠]"
_NUMBER = r"^[+-]?[0-9][0-9., ]*$"


def escaped_for_spreadsheet(text: str) -> str:
    """SQL of a text that no spreadsheet runs: before what would be a formula stands an apostrophe.

    For every text column of a CSV or XLSX that people open; plain numbers and telephone numbers (`-5`, `+86 138`) stay.
    `text` is SQL of type VARCHAR. In landing, clean and warehouse texts stay as they came: nothing there runs them.
    """
    is_formula = f"regexp_matches({text}, {literal(_FORMULA)}) and not regexp_matches({text}, {literal(_NUMBER)})"
    return f"case when {is_formula} then '''' || {text} else {text} end"
