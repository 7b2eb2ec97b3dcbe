"""No day can have begun after the night that a delivery speaks of, in whatever zone it was written down."""

from typing import Any

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectDateBeforeNightEnd(UnexpectedRowsExpectation):
    """The local date in `column` is at most a day later than the UTC date on which the delivery's night ends.

    A date has no zone: in zones ahead of UTC the next day has begun while the night's end, a UTC instant, is still
    on the day before.
    """

    column: str

    def __init__(self, **kwargs: Any) -> None:
        column = kwargs["column"]
        kwargs.setdefault(
            "unexpected_rows_query", f"select row_id from {{batch}} where {column} > cast(_night_end as date) + 1"
        )
        super().__init__(**kwargs)
