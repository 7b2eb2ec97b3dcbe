"""Settings are safe by default and say what is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.database import working_database
from include.settings import PROJECT_ROOT, Settings, SettingsError, as_of_date, hash_key_of, night_id, resolve_as_of
from include.warehouse.build import dbt_environment

SHANGHAI_MIDNIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-30", SHANGHAI_MIDNIGHT),
        ("2026-07-01T00:00:00", SHANGHAI_MIDNIGHT),
        ("2026-06-30T16:00:00Z", SHANGHAI_MIDNIGHT),
        ("2026-06-30T18:00:00+02:00", SHANGHAI_MIDNIGHT),
    ],
)
def test_as_of_is_the_end_of_a_local_day_or_an_instant(tmp_path: Path, text: str, expected: datetime) -> None:
    settings = Settings(home=tmp_path)
    assert resolve_as_of(settings, text) == expected
    assert as_of_date(expected, settings.timezone) == date(2026, 6, 30)
    assert night_id(expected) == "20260630T160000Z"


def test_a_wrong_date_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'30\.06\.2026'"):
        resolve_as_of(Settings(home=tmp_path), "30.06.2026")


def test_the_sample_company_has_a_public_key_and_any_other_source_needs_one(tmp_path: Path) -> None:
    assert hash_key_of(Settings(home=tmp_path))
    with pytest.raises(SettingsError, match=r"METRICS_HASH_KEY is not set"):
        hash_key_of(Settings(home=tmp_path, sources=tmp_path))


def test_every_setting_is_in_the_example_file() -> None:
    example = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"METRICS_{name.upper()}=" not in example]
    assert missing == []


def test_the_threads_of_a_night_can_be_bounded(tmp_path: Path) -> None:
    """In landing, gate and settle; in the build, as tests of the warehouse show; and where models are fitted."""
    settings = Settings(home=tmp_path, threads=3)
    with working_database(settings, "any") as con:
        assert con.execute("select current_setting('threads')").fetchall() == [(3,)]
    environment = dbt_environment(settings)
    assert (environment["METRICS_BUILD_THREADS"], environment["OMP_NUM_THREADS"]) == ("3", "3")
