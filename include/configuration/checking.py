"""One look at the whole configuration before a night takes anything in."""

from __future__ import annotations

from datetime import datetime

from include.configuration.business_time import remarks_on_years
from include.configuration.calendars import read_calendars
from include.configuration.currency_rates import read_currency_rates
from include.configuration.experience_tables import experience_tables
from include.configuration.health_tables import health_tables
from include.configuration.sla import read_sla
from include.settings import Settings, as_of_date


def check_configuration(settings: Settings) -> None:
    """Read every part, so that a wrong one stops the night before it begins.

    Raises:
        ConfigurationError: a file is wrong; the text names file, line and key.
    """
    read_calendars(settings.config)
    read_sla(settings.config)
    experience_tables(settings.config)
    read_currency_rates(settings.config, settings.currency)
    health_tables(settings.config)


def configuration_remarks(settings: Settings, as_of: datetime) -> list[str]:
    """What a person should know of the configuration on a night, in the installation's language.

    Raises:
        ConfigurationError: a file is wrong; the text names file, line and key.
    """
    calendars = read_calendars(settings.config)
    return [words[settings.language] for words in remarks_on_years(calendars, as_of_date(as_of, settings.timezone))]
