"""Make ready what an installation needs before its first night; done again it costs nothing.

`python -m service_metrics.installation` does it for a team's installation (compose's first service).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from include.errors import MetricsError
from include.settings import Settings, SettingsError, hash_key_of, load_settings
from include.sources import load_source_results
from service_metrics.airflow_home import is_ready, migrate, set_password, set_up

PASSWORD_VARIABLE = "AIRFLOW_ADMIN_PASSWORD"


def check_installation(settings: Settings) -> None:
    """Refuse what can be refused before anything is started.

    Raises:
        SettingsError: the hash key is missing.
        SourceConfigError: the folder of source YAMLs can't be used.
    """
    hash_key_of(settings)
    load_source_results(settings.sources)


def make_ready(settings: Settings, say: Callable[[str], None], log: IO[bytes]) -> None:
    """Airflow's metadata in the data home and the sample company's files, side by side; `say` is told what goes on.

    Raises:
        AirflowSetUpError: Airflow says no; its words are in the log.
    """
    with ThreadPoolExecutor(1) as pool:
        airflow = None
        if not is_ready(settings.home):
            say("setting up Airflow's metadata database")
            airflow = pool.submit(set_up, settings.home, log)
        _make_sample(settings, say)
        if airflow:
            airflow.result()


def main() -> int:
    """Make a team's installation ready, whose Airflow the environment describes. Returns the exit code."""
    try:
        settings = load_settings()
        check_installation(settings)
        password = os.environ.get(PASSWORD_VARIABLE)
        if not password:
            raise SettingsError(f"{PASSWORD_VARIABLE} is not set: the password of Airflow's web page")
        set_password(settings.home, password)
        migrate(settings.home, sys.stdout.buffer, dict(os.environ))
        _make_sample(settings, print)
    except MetricsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _make_sample(settings: Settings, say: Callable[[str], None]) -> None:
    if settings.is_sample:
        from include.sample_company import generate  # noqa: PLC0415 - only this installation needs it

        generate(settings.home / "inbox", scale=settings.sample_scale, report=say)


if __name__ == "__main__":
    sys.exit(main())
