"""The deliveries' calendar: the history and three nights, local time Asia/Shanghai (UTC+8, no DST)."""

from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NIGHTS: Final = (date(2026, 6, 27), date(2026, 6, 28), date(2026, 6, 29), date(2026, 6, 30))
LAST_NIGHT: Final = NIGHTS[-1]
ZONE_SECONDS: Final = 8 * 3600
DAY: Final = 86_400
NEVER: Final = 10**12  # a time that no delivery reaches


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def local_midnight(days: Ints | int) -> Ints:
    """UTC seconds of the local midnight at which the given days (since 1970-01-01) begin."""
    return np.asarray(days, dtype=np.int64) * DAY - ZONE_SECONDS


def local_day(times: Ints) -> Ints:
    """Local day (since 1970-01-01) of UTC seconds."""
    return (times + ZONE_SECONDS) // DAY


CUTS: Final[Ints] = local_midnight(np.array([day_number(night) + 1 for night in NIGHTS]))  # ends, exclusive
END: Final = int(CUTS[-1])
LAST_DAY: Final = day_number(LAST_NIGHT)
HISTORY_DAY: Final = day_number(NIGHTS[0])
TICKETS_FROM: Final = day_number(date(2024, 7, 1))


def night_of(times: Ints) -> Ints:
    """Number of the first delivery that can hold a record of these times; len(NIGHTS) if none can."""
    return np.searchsorted(CUTS, times, side="right").astype(np.int64)


def night_ending(at: datetime) -> str | None:
    """The night whose delivery ends at an instant, as an ISO date; None if none does."""
    ends = dict(zip(CUTS.tolist(), NIGHTS, strict=True))
    night = ends.get(int(at.timestamp()))
    return night.isoformat() if night else None


def window(night: int) -> tuple[int, int]:
    """UTC seconds [from, to) of the changes that the incremental files of a night hold."""
    return (-NEVER if night == 0 else int(CUTS[night - 1])), int(CUTS[night])
