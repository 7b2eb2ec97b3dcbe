"""A made-up after-sales company: its systems' export files, and the answers that they must lead to."""

from include.sample_company.assumptions import DEFAULT_SEED
from include.sample_company.generating import ANSWERS_FILE, KnownAnswers, generate
from include.sample_company.nights import LAST_NIGHT, NIGHTS, night_ending

__all__ = ["ANSWERS_FILE", "DEFAULT_SEED", "LAST_NIGHT", "NIGHTS", "KnownAnswers", "generate", "night_ending"]
