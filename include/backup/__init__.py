"""Back-up of a data home, and its restoration."""

from include.backup.home_copies import BackupError, CopySummary, back_up, restore

__all__ = ["BackupError", "CopySummary", "back_up", "restore"]
