"""A reference leads to a row that some source delivers."""

from typing import Any

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectReferenceToBeKnown(UnexpectedRowsExpectation):
    """The id in `column` is a known parent (`<column>_is_known`; null where no source delivers its key space)."""

    column: str

    def __init__(self, **kwargs: Any) -> None:
        column = kwargs["column"]
        kwargs.setdefault("unexpected_rows_query", f"select row_id from {{batch}} where not {column}_is_known")
        super().__init__(**kwargs)
