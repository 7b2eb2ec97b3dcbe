"""The files that settle writes: Parquet of clean, held and quarantined rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from include import files
from include.contracts import load_contracts
from include.gate.decisions import DISCARDED_WORDS
from include.gate.judging import key_sql
from include.gate.ledger import AccountingError, DataFile, EntityCount
from include.gate.masking import HIDDEN, masked_text
from include.gate.pending import Candidate, rows_path
from include.gate.rules import Rule
from include.sources.file_reader import ROW_NUMBER
from include.sources.loading import LoadedSource, feed_entities
from include.sources.raw_rows import masked_row_json, raw_row_json
from include.sql import literal

# The reason of every row of a delivery that was stopped or could not be judged.
STOPPED_RULE = "batch_stopped"
STOPPED_WORDS = {"en": "The whole delivery was stopped", "zh": "整批数据被拦截"}
_REASON_COLUMNS = (
    "row_id bigint, row_number bigint, business_key varchar, rule_id varchar, verdict varchar, detail varchar, "
    "holds boolean"
)


def check_rows(candidate: Candidate, entity: str, path: Path) -> None:
    """Make sure that a file holds a candidate's rows as the gate wrote them.

    Raises:
        DamagedFileError: it does not.
    """
    if files.sha256_of(path) != candidate.entities[entity].rows_sha256:
        name = f"{candidate.batch.batch_id} {entity}"
        raise files.DamagedFileError(f"{name}: the rows that the gate left are damaged. Run the night again.")


class SettledFiles:
    """Writes Parquet below a data home from tables of one connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, home: Path) -> None:
        self.con = con
        self.home = home

    def one(self, sql: str) -> int:
        """The number that a query returns."""
        row = self.con.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def clean(self, sql: str, entity: str, name: str) -> DataFile | None:
        """Write rows of clean; null, and no file, where there are none."""
        return self._copy(sql, self._clean_file(entity, name))

    def taken_over(self, candidate: Candidate, entity: str, name: str) -> DataFile | None:
        """A candidate's rows as clean, where settle has nothing to say of any: the gate's file gets a second name.

        Raises:
            DamagedFileError: it is not what the gate wrote.
        """
        rows = Path(rows_path(self.home, candidate, entity))
        count = self.one(f"select count(*) from read_parquet({literal(str(rows))})")
        if not count:
            return None
        path = self._clean_file(entity, name)
        with files.writing(path) as temporary:
            files.second_name(rows, temporary)
            check_rows(candidate, entity, temporary)
        digest = candidate.entities[entity].rows_sha256
        return DataFile(path=path.relative_to(self.home).as_posix(), sha256=digest, rows=count)

    def held(self, sql: str, entity: str, name: str) -> DataFile | None:
        """Write rows that wait, in the form of clean."""
        return self._copy(sql, self._quarantine_folder(entity) / f"{name}.held.parquet")

    def new_reasons(self) -> None:
        """Make the empty tables `reason` and `decided`.

        `reason` has one row per row and rule that keeps it out of clean or of the scores, `decided` one per row that a
        person has released or discarded.
        """
        self.con.execute(f"create or replace temp table reason ({_REASON_COLUMNS})")
        self.con.execute("create or replace temp table decided (row_id bigint, place varchar)")

    def quarantine(
        self, candidate: Candidate, loaded: LoadedSource, entity: str, rules: Iterable[Rule]
    ) -> DataFile | None:
        """Write table `reason` as quarantine Parquet, with words and raw rows."""
        batch = candidate.batch
        if batch.rows is None:
            return None
        raw = raw_row_json(batch.rows.columns)
        masked = masked_row_json(loaded, batch.feed, batch.rows.columns, masked_text, HIDDEN)
        self.con.execute("create or replace temp table word (rule_id varchar, en varchar, zh varchar)")
        self.con.executemany(
            "insert into word values (?, ?, ?)",
            [
                (STOPPED_RULE, STOPPED_WORDS["en"], STOPPED_WORDS["zh"]),
                DISCARDED_WORDS,
                *((rule.id, rule.words("en"), rule.words("zh")) for rule in rules),
            ],
        )
        source = literal(str(batch.folder(self.home) / batch.rows.path))
        return self._copy(
            f"""
            with raw as (
                select {ROW_NUMBER} as row_number, {raw} as raw_row, {masked} as raw_row_masked
                from read_parquet({source}) where {ROW_NUMBER} in (select row_number from reason)
            ),
            standing as (
                select row_id, case when bool_or(d.place is not null) then any_value(d.place)
                                    when bool_or(verdict = 'unusable' and not holds) then 'quarantined'
                                    when bool_or(verdict = 'unusable') then 'held' else 'not_counted' end as status
                from reason left join decided d using (row_id) group by row_id
            )
            select {literal(batch.source)} as source, {literal(batch.feed)} as feed,
                   {literal(batch.batch_id)} as batch_id, {candidate.gate_no}::integer as gate_no,
                   {literal(entity)} as entity, r.row_number, r.row_id, r.business_key, r.rule_id, r.verdict, s.status,
                   case when r.detail is null then w.en else rtrim(w.en, '.') || ': ' || r.detail end as reason_en,
                   concat_ws('：', w.zh, r.detail) as reason_zh,
                   raw.raw_row, raw.raw_row_masked
            from reason r join standing s using (row_id) join word w using (rule_id) join raw using (row_number)
            order by r.row_id, r.rule_id
            """,
            self._quarantine_folder(entity) / f"{batch.batch_id}.{candidate.gate_no}.parquet",
        )

    def quarantine_whole(
        self, candidate: Candidate, loaded: LoadedSource, rules: dict[str, tuple[Rule, ...]]
    ) -> dict[str, EntityCount]:
        """Every row of a delivery into quarantine: of a stopped one with the reasons that the gate found.

        They are held, or discarded where a person discarded the delivery.

        Of one that could not be judged every record, as rows of the feed's first entity.
        """
        batch = candidate.batch
        if batch.rows is None or candidate.status == "unreadable":
            return {}
        if not candidate.entities:
            self.new_reasons()
            raw = literal(str(batch.folder(self.home) / batch.rows.path))
            self.con.execute(
                f"""insert into reason select {ROW_NUMBER}, {ROW_NUMBER}, null, '{STOPPED_RULE}', 'unusable', ?, true
                    from read_parquet({raw})""",
                [candidate.message],
            )
            first = feed_entities(loaded.source.feeds[batch.feed])[0]
            return {first: self._whole(candidate, loaded, first, batch.rows.records, ())}
        counts = {}
        for entity, found in candidate.entities.items():
            self.new_reasons()
            failures = literal(rows_path(self.home, candidate, entity, "failures"))
            message = literal(candidate.message or "")
            self.con.execute(
                f"""
                insert into reason
                select row_id, row_number, business_key, rule_id, verdict, detail, true from read_parquet({failures});
                insert into reason
                select distinct row_id, row_number, key, '{STOPPED_RULE}', 'unusable', {message}, true
                from (
                    select row_id, row_number, {key_sql(load_contracts()[entity])} as key
                    from read_parquet({literal(rows_path(self.home, candidate, entity))})
                    union all
                    select row_id, row_number, business_key from reason
                )
                """
            )
            counts[entity] = self._whole(candidate, loaded, entity, found.rows_in, rules[entity])
        return counts

    def _whole(
        self, candidate: Candidate, loaded: LoadedSource, entity: str, rows: int, rules: Iterable[Rule]
    ) -> EntityCount:
        found = self.one("select count(distinct row_id) from reason")
        if candidate.status == "discarded":
            self.con.execute("insert into decided select distinct row_id, 'discarded' from reason")
        if found != rows:
            raise AccountingError(f"{candidate.batch.batch_id} {entity}: {rows} rows in, {found} quarantined")
        return EntityCount(
            rows_in=rows,
            rows_clean=0,
            rows_quarantined=rows,
            rows_not_counted=0,
            key_count=0,
            quarantine=self.quarantine(candidate, loaded, entity, rules),
        )

    def _clean_file(self, entity: str, name: str) -> Path:
        return self.home / "clean" / entity / f"{name}.parquet"

    def _quarantine_folder(self, entity: str) -> Path:
        files.private_folder(self.home / "quarantine")
        return self.home / "quarantine" / entity

    def _copy(self, sql: str, path: Path) -> DataFile | None:
        """Write a query as Parquet; null, and no file, where it has no rows."""
        if not self.one(f"select count(*) from ({sql})"):
            return None
        with files.writing(path) as temporary:
            rows = self.one(f"copy ({sql}) to {literal(str(temporary))} (format parquet)")
        return DataFile(path=path.relative_to(self.home).as_posix(), sha256=files.sha256_of(path), rows=rows)
