"""Nothing can have happened after the night that a delivery speaks of."""

from typing import Any

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectTimeBeforeNightEnd(UnexpectedRowsExpectation):
    """The time in `column` is not later than the end of the delivery's night (dates: `ExpectDateBeforeNightEnd`)."""

    column: str

    def __init__(self, **kwargs: Any) -> None:
        column = kwargs["column"]
        kwargs.setdefault("unexpected_rows_query", f"select row_id from {{batch}} where {column} > _night_end")
        super().__init__(**kwargs)
