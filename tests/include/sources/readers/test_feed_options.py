"""What a feed says of its files must fit their format."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.sources.schema import Feed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "jsonl", "sheet": 1}, "`sheet` belongs to xlsx, xls, not to jsonl"),
        ({"format": "csv", "records": "a.b"}, "`records` belongs to json, not to csv"),
        ({"format": "parquet", "encoding": "gb18030"}, "`encoding` belongs to csv, json, jsonl, not to parquet"),
        ({"format": "json", "skip_rows": 1}, "`skip_rows` belongs to csv, xlsx, xls"),
        ({"format": "xml"}, "format"),
        ({"header": ["id", "ID"]}, "`header` names a column twice"),
        ({"records": "a..b"}, "records"),
        ({"sheet": 0}, "sheet"),
        ({"skip_rows": -1}, "skip_rows"),
        ({"delimiter": ";;"}, "delimiter"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Feed.model_validate({"delivery": "incremental", "files": "*", "entities": {"ticket": {}}, **options})
