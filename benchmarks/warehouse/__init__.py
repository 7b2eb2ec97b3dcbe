"""A warehouse at scale: what the marts and the metrics cost beside hand-written SQL over the same rows."""
