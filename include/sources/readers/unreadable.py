"""Why a received file can't be read, and how much of a foreign file is read."""

from __future__ import annotations

from dataclasses import dataclass

from include.errors import MetricsError
from include.settings import Settings

ENCODING = "SM201"
HEADER = "SM202"
DAMAGED = "SM203"
LIMIT = "SM204"
FORMAT = "SM205"
MB = 1_000_000


class UnreadableFileError(MetricsError):
    """A file can't be read as its feed declares it; the text names file, line and column."""

    default_code = FORMAT


@dataclass(frozen=True)
class ReadLimits:
    """What a foreign file may cost; the settings of the same names say why."""

    max_file_mb: int = 8192
    max_ratio: int = 200
    max_rows: int = 10_000_000
    memory_mb: int = 1024

    @classmethod
    def of(cls, settings: Settings) -> ReadLimits:
        """The limits of an installation."""
        return cls(settings.max_file_mb, settings.max_ratio, settings.max_rows, settings.memory_mb)

    @property
    def max_bytes(self) -> int:
        """The most bytes that a file may have, unpacked."""
        return self.max_file_mb * MB

    def check_size(self, name: str, size: int) -> None:
        """Hold the size of an unpacked file, or of one that was never packed, against its limit.

        Raises:
            UnreadableFileError: it is larger.
        """
        if size > self.max_bytes:
            raise UnreadableFileError(
                f"{name}: larger than {self.max_file_mb} MB unpacked. If that is right, raise METRICS_MAX_FILE_MB",
                LIMIT,
            )
