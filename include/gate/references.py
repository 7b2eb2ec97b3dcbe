"""Judge the references of rows: is the parent known, does it stand in quarantine, or has nobody delivered it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from include.contracts import Column, load_contracts
from include.gate.judging import FAILURE_COLUMNS, ROW_SPACE, key_sql, record_failures
from include.gate.ledger import EntityCount, Gate, check_undamaged
from include.gate.pending import Candidate, rows_path
from include.gate.rules import load_rules
from include.sources.loading import LoadedSource, feed_entities, key_space_of
from include.sql import in_list, literal, quoted

# A customer is known by its identity record too.
_ALSO_DELIVERED_BY = {"customer": ("customer", "customer_identity")}


class References:
    """The parents of one night: rows of the gates that hold and of tonight's candidates."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        home: Path,
        loaded: dict[str, LoadedSource],
        holding: Sequence[Gate],
        candidates: Sequence[Candidate],
    ) -> None:
        self.con = con
        self.home = home
        self.loaded = loaded
        self.holding = holding
        self.candidates = candidates
        self.spaces: dict[str, set[str]] = {}  # per parent entity, filled with its table
        con.execute(f"create table failure ({FAILURE_COLUMNS})")

    def judge(self, entity: str, rows: str, *, are_held: bool = False) -> None:
        """Run the reference rules of an entity; what fails is in table `failure`.

        Args:
            entity: the entity of the rows.
            rows: relation of rows in the form of clean, with `batch_no`.
            are_held: the rows wait for a parent. If their key space is not delivered any more (its source's YAML is
                broken tonight, say), that brings them no parent.
        """
        references = {name: column for name, column in load_contracts()[entity].columns.items() if column.references}
        for parent in {str(column.references) for column in references.values()} - self.spaces.keys():
            self._add_parents(parent)
        helpers = "".join(
            f", {self._known(n, c, 'false' if are_held else 'null')}, {_quarantined(n, c)}"
            for n, c in references.items()
        )
        keys = "".join(f", {quoted(n)}, {quoted(n + '_space')}" for n in references)
        self.con.execute(
            f"""create or replace table s_{entity} as
                select batch_no * {ROW_SPACE} + row_id as row_id{helpers}
                from (select batch_no, row_id{keys} from ({rows})) r"""
        )
        record_failures(self.con, entity, f"s_{entity}", load_rules().of(entity, "settle"))

    def _known(self, name: str, column: Column, undelivered: str) -> str:
        """SQL of whether a reference's parent is known, or `undelivered` where no source delivers its key space."""
        spaces = in_list(sorted(self.spaces[str(column.references)])) or "null"
        return (
            f"case when r.{name} is null then null when r.{name}_space in ({spaces}) "
            f"then (r.{name}_space, r.{name}) in (select (space, id) from parent_{column.references}) "
            f"else {undelivered} end as {name}_is_known"
        )

    def _add_parents(self, parent: str) -> None:
        """Tables of the keys of an entity: in clean (or a candidate for it), and in quarantine."""
        self.con.execute(f"create table parent_{parent} (space varchar, id varchar)")
        self.con.execute(f"create table quarantined_{parent} (space varchar, id varchar)")
        key = load_contracts()[parent].key[0]
        self.spaces[parent] = set()
        for entity in _ALSO_DELIVERED_BY.get(parent, (parent,)):
            check_undamaged(
                self.home,
                (file for _, count in self._counts(entity) for file in (count.clean, count.quarantine) if file),
            )
            clean = [str(self.home / count.clean.path) for _, count in self._counts(entity) if count.clean]
            clean += [rows_path(self.home, one, entity) for one in self._candidates(entity, "gated")]
            if clean:
                self.con.execute(
                    f"insert into parent_{parent} select distinct {key}_space, {key} "
                    f"from read_parquet([{in_list(clean)}], union_by_name = true)"
                )
            for space, rows in self._quarantined_keys(entity, key):
                self.con.execute(
                    f"insert into quarantined_{parent} select distinct {literal(space)}, id from ({rows}) "
                    "where id is not null"
                )
            self.spaces[parent] |= self._declared_spaces(entity, key)
        # What a source has delivered stays known, also on a night on which its YAML can't be read.
        self.spaces[parent] |= {
            space for (space,) in self.con.execute(f"select distinct space from parent_{parent}").fetchall()
        }

    def _quarantined_keys(self, entity: str, key: str) -> Iterator[tuple[str, str]]:
        """Key space and SQL of `id` of an entity's rows that are in quarantine, or will be tonight."""
        for gate, count in self._counts(entity):
            if count.quarantine:
                path = literal(str(self.home / count.quarantine.path))
                out = "status not in ('not_counted', 'released')"
                sql = f"select business_key as id from read_parquet({path}) where {out}"
                yield self._space_of(gate.source, gate.feed, entity, key), sql
        for one in self._candidates(entity, "gated", "stopped", "discarded"):
            failures = literal(rows_path(self.home, one, entity, "failures"))
            sql = f"select business_key as id from read_parquet({failures}) where verdict = 'unusable'"
            if one.status != "gated":
                rows = literal(rows_path(self.home, one, entity))
                sql += f" union all select {key_sql(load_contracts()[entity])} from read_parquet({rows})"
            yield self._space_of(one.batch.source, one.batch.feed, entity, key), sql

    def _counts(self, entity: str) -> Iterator[tuple[Gate, EntityCount]]:
        for gate in self.holding:
            if entity in gate.entities:
                yield gate, gate.entities[entity]

    def _candidates(self, entity: str, *statuses: str) -> list[Candidate]:
        return [one for one in self.candidates if one.status in statuses and entity in one.entities]

    def _space_of(self, source: str, feed: str, entity: str, key: str) -> str:
        loaded = self.loaded.get(source)
        declared = loaded.source.feeds.get(feed) if loaded else None
        mapping = declared.entities.get(entity) if declared else None
        return key_space_of(loaded.source, mapping, key) if loaded and mapping else source

    def _declared_spaces(self, entity: str, key: str) -> set[str]:
        """The key spaces in which the sources' YAMLs say that an entity is delivered."""
        return {
            self._space_of(name, feed_name, entity, key)
            for name, one in self.loaded.items()
            for feed_name, feed in one.source.feeds.items()
            if entity in feed_entities(feed)
        }


def _quarantined(name: str, column: Column) -> str:
    return (
        f"(r.{name}_space, r.{name}) in (select (space, id) from quarantined_{column.references}) "
        f"as {name}_is_quarantined"
    )
