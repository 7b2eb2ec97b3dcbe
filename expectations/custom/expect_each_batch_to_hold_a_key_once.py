"""A key stands once in a delivery; what is a version of it has another change time."""

from typing import Any

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectEachBatchToHoldAKeyOnce(UnexpectedRowsExpectation):
    """No row is a copy of another of its delivery: same key and same change time (or none).

    The row kept is a usable one rather than one that is not, a complete one rather than an incomplete one, then the
    later one. `detail` names the record that is kept.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "unexpected_rows_query",
            """
            with repeated as (
                select *, hash(batch_no, _key, _change_time) as version from {batch}
                where row_id in (select row_id from repeated_key)
            )
            select row_id, '#' || kept as detail
            from (
                select row_id, row_number() over best as place, first_value(record) over best as kept
                from (
                    -- Only what may have a copy is put in order, as that costs most: two of the same hash.
                    select * from repeated
                    where version in (
                        select version from repeated where _key is not null group by version having count(*) > 1
                    )
                )
                where _key is not null
                window best as (
                    partition by batch_no, _key_parts, _change_time
                    order by _is_usable desc, _is_complete desc, _filled_count desc, record desc, row_id desc
                )
            )
            where place > 1
            """,
        )
        super().__init__(**kwargs)
