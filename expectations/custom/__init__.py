"""GX expectations of our own, one class per file."""

from expectations.custom.expect_date_before_night_end import ExpectDateBeforeNightEnd
from expectations.custom.expect_each_batch_to_hold_a_key_once import ExpectEachBatchToHoldAKeyOnce
from expectations.custom.expect_reference_to_be_known import ExpectReferenceToBeKnown
from expectations.custom.expect_time_before_night_end import ExpectTimeBeforeNightEnd

__all__ = [
    "ExpectDateBeforeNightEnd",
    "ExpectEachBatchToHoldAKeyOnce",
    "ExpectReferenceToBeKnown",
    "ExpectTimeBeforeNightEnd",
]
