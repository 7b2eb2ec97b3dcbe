"""Propose a source YAML for an unknown file: read it, recognise what it holds, and try the proposal on it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from include.contracts import load_contracts
from include.mapping_help.column_profile import profile_columns
from include.mapping_help.file_shape import shape_of
from include.mapping_help.matching import EntityGuess, guess_entities
from include.mapping_help.preview import FeedPreview, preview_feed, raw_database
from include.mapping_help.proposal_yaml import Findings, ProposalText, proposal_text
from include.mapping_help.survey_guess import guess_survey
from include.mapping_help.words import word
from include.settings import Settings
from include.sources.cell_sql import trimmed
from include.sources.file_reader import ReadLimits, UnreadableFileError, read_to_parquet
from include.sources.loading import load_source
from include.sources.readers.archives import KINDS
from include.sql import literal

# Records that are looked at; that the proposal reads all others too is proven by mapping all of them.
LOOKED_AT = 100_000


@dataclass(frozen=True)
class Proposal:
    """A source YAML, and in a few lines how good it is."""

    text: str
    summary: tuple[str, ...]
    previews: tuple[FeedPreview, ...]


def propose(settings: Settings, file: Path, name: str | None = None, target: Path | None = None) -> Proposal:
    """Propose a source YAML for a file; `target` is where it will stand.

    Raises:
        UnreadableFileError: the file can't be read, or has no records.
        SourceConfigError: the name of the source can't be used.
    """
    limits = ReadLimits.of(settings)
    with raw_database(settings) as (con, scratch):
        shape = shape_of(file, scratch, limits)
        parquet = scratch / "raw.parquet"
        read = read_to_parquet([file], shape.feed(), parquet, scratch, limits)
        if not read.records:
            raise UnreadableFileError(f"{file.name}: no records: nothing can be proposed")
        rows = f"read_parquet({literal(str(parquet))})"
        con.execute(f"create view rows as from {rows} using sample reservoir({LOOKED_AT} rows) repeatable (1)")
        profiles = profile_columns(con, "rows" if read.records > LOOKED_AT else rows, read.columns)
        entities = guess_entities(profiles, file.name)
        if read.records > LOOKED_AT:
            entities = [_with_key_proven(con, rows, one) for one in entities]
    survey = guess_survey(profiles, {one.entity: one for one in entities})
    findings = Findings(settings, file, target, name, shape, read.records, profiles, entities, survey)
    proposed = proposal_text(findings)
    previews = _tried(settings, proposed, file)
    return Proposal(proposed.text, tuple(_summary(findings, proposed, previews)), tuple(previews))


def _with_key_proven(con: duckdb.DuckDBPyConnection, rows: str, guess: EntityGuess) -> EntityGuess:
    """The same guess; whether its key is unique is counted over all rows."""
    names = load_contracts()[guess.entity].key
    if len(names) > 1 or names[0] not in guess.columns or not guess.key_is_unique:
        return guess
    cell = trimmed(guess.columns[names[0]].header)
    [(values, distinct)] = con.execute(f"select count({cell}), count(distinct {cell}) from {rows}").fetchall()
    return replace(guess, key_is_unique=values == distinct)


def _tried(settings: Settings, proposed: ProposalText, file: Path) -> list[FeedPreview]:
    """What the proposal makes of the file, feed by feed."""
    with tempfile.TemporaryDirectory(prefix="mapping-") as folder:
        path = Path(folder) / f"{proposed.source}.yml"
        path.write_text(proposed.text, encoding="utf-8")
        loaded = load_source(path)
        feeds = [name for name, feed in loaded.source.feeds.items() if feed.files]
        return [preview_feed(settings, loaded, name, [file]) for name in feeds]


def _summary(findings: Findings, proposed: ProposalText, previews: list[FeedPreview]) -> list[str]:
    language = findings.settings.language
    kind = findings.shape.options.get("format") or KINDS.get(_suffix(findings.file), "")
    encoding = findings.shape.options.get("encoding")
    lines = [
        word(
            language,
            "summary",
            file=findings.file.name,
            kind=", ".join(filter(None, [kind, *(encoding or [])])),
            n=f"{findings.records:,}",
            columns=len(findings.profiles),
            entity=", ".join(proposed.entities),
            mapped=proposed.mapped,
            doubts=proposed.doubts,
        )
    ]
    for preview in previews:
        if preview.problem:
            lines.append(word(language, "does_not_map", problem=preview.problem))
        for one in preview.entities:
            if one.problem:
                lines.append(word(language, "does_not_map", problem=one.problem))
            else:
                good = f"{one.rows - one.unusable:,}"
                lines.append(word(language, "round_trip", entity=one.entity, n=good, of=f"{one.rows:,}"))
    return lines


def _suffix(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz").removesuffix(".zip")
    return Path(name).suffix
