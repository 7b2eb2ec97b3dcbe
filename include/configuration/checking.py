"""One look at the whole configuration before a night takes anything in."""

from __future__ import annotations

from include.configuration.calendars import read_calendars
from include.settings import Settings


def check_configuration(settings: Settings) -> None:
    """Read every part, so that a wrong one stops the night before it begins.

    Raises:
        ConfigurationError: a file is wrong; the text names file, line and key.
    """
    read_calendars(settings.config)
