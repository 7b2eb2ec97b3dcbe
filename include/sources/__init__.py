"""Sources: what each system delivers and how it maps to the contracts."""

from include.sources.loading import (
    LoadedSource,
    SourceConfigError,
    customer_key_spaces,
    feed_entities,
    load_source_results,
    load_sources,
)
from include.sources.schema import GROUPS, Feed, Source

__all__ = [
    "GROUPS",
    "Feed",
    "LoadedSource",
    "Source",
    "SourceConfigError",
    "customer_key_spaces",
    "feed_entities",
    "load_source_results",
    "load_sources",
]
