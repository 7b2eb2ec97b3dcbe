"""Exchange rates by date: `currency_rates.yml`, and the control table `currency_rate` that dbt reads of it.

An amount takes the latest rate on or before its own date. An amount without such a rate is left out and counted, never
taken as it is: a later rate would be a guess, and 100 USD are not 100 CNY.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from include.configuration.calendars import Day
from include.configuration.loading import ConfigurationError, read_part
from include.yaml_file import line_of, text_of

FILE = "currency_rates.yml"
CURRENCY_RATE_COLUMNS: dict[str, pa.DataType] = {
    "currency": pa.string(),
    "valid_from_date": pa.date32(),
    "valid_to_date": pa.date32(),
    "rate": pa.decimal128(18, 8),
}
_ALWAYS_FROM = date(1900, 1, 1)
_ALWAYS_TO = date(9999, 12, 31)
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Rate = Annotated[Decimal, Field(gt=0, lt=10_000_000_000, decimal_places=8)]
Row = dict[str, Any]


class CurrencyRates(BaseModel):
    """What a unit of each other currency was worth in the installation's, from a date on; without any none is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Code | None = Field(None, description="the currency that rates are given in: that of the installation")
    rates: dict[Code, dict[Day, Rate]] = Field({}, description="currency: date from which a rate holds: the rate")

    def misfits(self, currency: str) -> Iterator[tuple[tuple[str, ...], str]]:
        """What does not fit an installation that counts in `currency`: key (a path into the file) and problem."""
        if self.rates and self.to is None:
            yield ("to",), "is missing: the currency that the rates are given in"
        elif self.rates and self.to != currency:
            yield ("to",), f"rates are to {self.to}, and the installation counts in {currency} (METRICS_CURRENCY)"
        if currency in self.rates:
            yield ("rates", currency), "is the installation's own currency, whose rate is 1"


def read_currency_rates(folder: Path, currency: str) -> CurrencyRates:
    """The rates of a configuration for an installation that counts in `currency`.

    Raises:
        ConfigurationError: the file is wrong, or speaks of another currency; the text names file, line and key.
    """
    found = read_part(folder, FILE, CurrencyRates)
    for key, problem in found.misfits(currency):
        path = folder / FILE
        line = line_of(text_of(path, ConfigurationError), key)
        raise ConfigurationError(path, line, ".".join(key), problem)
    return found


def currency_rate_rows(rates: CurrencyRates, currency: str) -> list[Row]:
    """One row per currency and stretch of time with one rate, [valid_from_date, valid_to_date); the own is always 1."""
    own = {"currency": currency, "valid_from_date": _ALWAYS_FROM, "valid_to_date": _ALWAYS_TO, "rate": Decimal(1)}
    return [own, *(row for name in sorted(rates.rates) for row in _rows_of(name, rates.rates[name]))]


def _rows_of(currency: str, dated: dict[date, Decimal]) -> Iterator[Row]:
    days = sorted(dated)
    for day, following in zip_longest(days, days[1:], fillvalue=_ALWAYS_TO):
        yield {"currency": currency, "valid_from_date": day, "valid_to_date": following, "rate": dated[day]}
