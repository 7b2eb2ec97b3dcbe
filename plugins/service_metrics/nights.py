"""Which night a run of the nightly is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.settings import Settings, fixed_as_of


def night_of_run(settings: Settings, context: Mapping[str, Any]) -> datetime | None:
    """The night (UTC) of a run by its context: its parameter, else what the settings fix, else its interval's end.

    None for a run without a data interval to which nobody gave a night.
    """
    given = (context.get("params") or {}).get("as_of")
    return fixed_as_of(settings, given) or context.get("data_interval_end")
