"""Every setting of the product, typed, from the environment or `.env`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from include.errors import MetricsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SAMPLE_CONFIG = PROJECT_ROOT / "config"
SAMPLE_SOURCES = SAMPLE_CONFIG / "sources"
# The sample company is public, so its key may be too; see `hash_key_of`.
SAMPLE_HASH_KEY = "sample-company-public-key"
BY_HAND = "none"


def _config_beside(sources: Path | None) -> Path:
    """Another installation must not work by the sample company's hours and targets."""
    if sources is None or sources == SAMPLE_SOURCES:
        return SAMPLE_CONFIG
    return sources.expanduser().absolute() / "config"


class SettingsError(MetricsError):
    """A setting is missing or can't be used; the text says which and what to do."""

    default_code = "SM101"


class Settings(BaseSettings):
    """Settings of one installation; each stands in `.env.example` with its default."""

    model_config = SettingsConfigDict(
        env_prefix="METRICS_", env_file=PROJECT_ROOT / ".env", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(PROJECT_ROOT / "data", description="data home, a local path")
    sources: Path = Field(SAMPLE_SOURCES, description="folder of source YAMLs")
    config: Path = Field(
        default_factory=lambda data: _config_beside(data.get("sources")),
        description="folder of calendars, targets and weights",
    )
    real_data: Path = Field(PROJECT_ROOT.parent / "shared" / "data", description="third-party data sets")
    language: Literal["en", "zh"] = "en"
    as_of: str | None = Field(None, description="local date (its end) or timestamp; default: see resolve_as_of")
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    hash_key: SecretStr | None = Field(None, description="secret key of the hashes of personal data")
    sample_scale: float = Field(1.0, ge=0.01, le=100, description="size of the sample company")
    context_nights: int = Field(90, ge=1, description="nights of clean data that a rule's context looks back on")
    memory_mb: int = Field(1024, ge=256, description="memory of DuckDB in landing, gate and settle")
    build_memory_mb: int | None = Field(None, ge=512, description="memory of DuckDB in the build; default: its own")
    threads: int | None = Field(None, ge=1, description="threads of a night's databases and models; default: all cores")
    max_file_mb: int = Field(8192, ge=1, description="size of a received file, unpacked")
    max_ratio: int = Field(200, ge=1, description="how many times its size a packed file may unpack to, above 64 MB")
    max_rows: int = Field(10_000_000, ge=1, description="records of one delivery")
    volume_factor: float = Field(
        10, gt=1, description="a delivery with so many times more or fewer records than usual is remarked on"
    )
    snapshot_min_share: float = Field(
        0.5, ge=0, le=1, description="a snapshot with a smaller share of the last one's keys stops"
    )
    history_nights: int = Field(7, ge=1, description="served warehouses kept, in nights")
    history_month_ends: int = Field(24, ge=0, description="served warehouses kept, in month-ends")
    schedule: str = Field("0 0 * * *", description="when the nightly begins: cron in local time, or 'none': by hand")
    port: int | None = Field(None, ge=1, le=65535, description="of `make up`; default 8080, or a free one")
    dev: Path | None = Field(None, description="folder of the analyst's own file of `make dev`; default: dev/ in home")
    notify: SecretStr | None = Field(None, description="apprise addresses that failures are told to")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        ZoneInfo(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if value != BY_HAND and not (len(value.split()) == 5 and croniter.is_valid(value)):
            raise ValueError(f"not a cron expression of five fields ('0 0 * * *'), nor '{BY_HAND}'")
        return value

    @field_validator("home", "sources", "config", "real_data", "dev")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @property
    def is_sample(self) -> bool:
        """Whether this installation is the shipped sample company."""
        return self.sources == SAMPLE_SOURCES


def load_settings() -> Settings:
    """Read the settings from the environment and `.env`."""
    return Settings()


def hash_key_of(settings: Settings) -> bytes:
    """The key of the hashes of personal data.

    Raises:
        SettingsError: the installation is not the sample company and has no key.
    """
    if settings.hash_key is not None:
        return settings.hash_key.get_secret_value().encode()
    if settings.is_sample:
        return SAMPLE_HASH_KEY.encode()
    raise SettingsError(
        "METRICS_HASH_KEY is not set. E-mail addresses and phone numbers are stored as keyed hashes; "
        "set it to a long random secret (python -c 'import secrets; print(secrets.token_hex(32))') and keep it: "
        "with another key the same customer gets other hashes."
    )


def resolve_as_of(settings: Settings, text: str | None = None) -> datetime:
    """The instant (UTC) that a run holds for: see `fixed_as_of`; where nothing fixes it, the last complete local day.

    Raises:
        SettingsError: the text is neither a date nor a timestamp.
    """
    zone = ZoneInfo(settings.timezone)
    return fixed_as_of(settings, text) or end_of_day(datetime.now(zone).date() - timedelta(days=1), zone)


def fixed_as_of(settings: Settings, text: str | None = None) -> datetime | None:
    """The instant (UTC) that a run is told to hold for, None where the calendar decides.

    `text` (or METRICS_AS_OF) is a local date, meaning the end of that day, or a timestamp; a timestamp without offset
    is local. Without either: the sample company's fixed last night.

    Raises:
        SettingsError: the text is neither a date nor a timestamp.
    """
    text = text or settings.as_of
    zone = ZoneInfo(settings.timezone)
    if text:
        return parse_instant(text, zone)
    if settings.is_sample:
        from include.sample_company import LAST_NIGHT  # noqa: PLC0415 - only this installation needs it

        return end_of_day(LAST_NIGHT, zone)
    return None


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """A local date (its end) or a timestamp, as a UTC instant.

    Raises:
        SettingsError: it is neither.
    """
    try:
        if len(text) == len("2026-06-30"):
            return end_of_day(date.fromisoformat(text), zone)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"as_of {text!r} is neither a date (2026-06-30) nor a timestamp") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which a local day ends."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def as_of_date(as_of: datetime, timezone: str) -> date:
    """The local date of the instant before `as_of`: the last day that it covers."""
    return (as_of - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()


def night_id(as_of: datetime) -> str:
    """`as_of` as a sortable name for files, such as 20260630T160000Z."""
    return as_of.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def parse_night_id(text: str) -> datetime:
    """The instant (UTC) that a `night_id` names."""
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def night_text(as_of: datetime) -> str:
    """`as_of` as ISO 8601 in UTC, as the JSON files hold it."""
    return as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
