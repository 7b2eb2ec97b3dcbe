"""Landing: what a source delivered, written once, byte for byte, and as raw Parquet."""

from include.landing.batches import Batch, LandedFile, read_batches
from include.landing.land import LandingResult, land_feed

__all__ = ["Batch", "LandedFile", "LandingResult", "land_feed", "read_batches"]
