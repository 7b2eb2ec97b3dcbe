"""Counts of what the deliveries hold, kept while they are written."""

from include.sample_company.nights import NIGHTS

Counts = dict[str, list[int]]


class Tally:
    """Records per feed and defects per name, one number per delivery (history, then the nights)."""

    def __init__(self) -> None:
        self.records: Counts = {}
        self.defects: Counts = {}
        self.rows: Counts = {}

    @staticmethod
    def _add(counts: Counts, name: str, night: int, many: int) -> None:
        counts.setdefault(name, [0] * len(NIGHTS))[night] += int(many)

    def add_records(self, feed: str, night: int, many: int) -> None:
        """Records (lines after the header) of one file."""
        self._add(self.records, feed, night, many)

    def add_rows(self, entity: str, night: int, many: int) -> None:
        """Rows of an entity that those records give."""
        self._add(self.rows, entity, night, many)

    def add_defects(self, entity: str, night: int, **many: int) -> None:
        """Defects found in, or built into, the rows of an entity."""
        for name, count in many.items():
            self._add(self.defects, f"{entity}.{name}", night, count)


def by_night(counts: Counts) -> dict[str, dict[str, int]]:
    """The counts with the nights' dates as keys and a total."""
    return {
        name: {
            **{night.isoformat(): many for night, many in zip(NIGHTS, values, strict=True)},
            "total": sum(values),
        }
        for name, values in sorted(counts.items())
    }
