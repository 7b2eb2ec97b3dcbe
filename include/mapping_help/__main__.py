"""`make check-source`, `make new-source`, `make schema`: the mapping of a source, tried and proposed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from include import files
from include.errors import MetricsError
from include.landing.deliveries import source_folder
from include.mapping_help.feed_finding import feeds_taking
from include.mapping_help.preview import preview_feed
from include.mapping_help.preview_view import WIDTH, print_feed
from include.mapping_help.proposing import propose
from include.mapping_help.words import word
from include.mapping_help.yaml_schema import write_schemas
from include.settings import Settings, load_settings
from include.sources.loading import LoadedSource, SourceConfigError, load_source, load_source_results

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
_YAML = (".yml", ".yaml")
PathArgument = Annotated[Path, typer.Argument(help="a source YAML or a data file")]


@app.command()
def check(
    file: PathArgument,
    source: Annotated[str, typer.Option(help="a source of METRICS_SOURCES, or a YAML")] = "",
    feed: Annotated[str, typer.Option(help="only this feed")] = "",
) -> None:
    """Show what a source YAML makes of its files, or which feed takes a data file; nothing is landed."""
    settings = load_settings()
    console = _console()
    file = file.expanduser().absolute()
    if not file.is_file():
        raise typer.BadParameter(f"{file}: no such file")
    wanted: list[tuple[LoadedSource, str, list[Path] | None]]
    if file.suffix.lower() in _YAML:
        loaded = load_source(file)
        wanted = [(loaded, name, None) for name in _feeds(loaded, feed)]
    elif source:
        loaded = _source_named(settings, source)
        wanted = [(loaded, name, [file]) for name in _feeds(loaded, feed, only_files=True)]
    else:
        wanted = [(loaded, name, [file]) for loaded, name in _taking(console, settings, file)]
    previews = []
    for loaded, name, paths in wanted:
        preview = preview_feed(settings, loaded, name, paths)
        print_feed(console, settings, preview, str(source_folder(settings, loaded)))
        previews.append(preview)
    has_failed = any(one.has_failed for one in previews) or not any(one.records for one in previews)
    is_open = any(entity.unusable for one in previews for entity in one.entities)
    name, colour, sign = (
        ("bad", "red", "✗") if has_failed else ("open", "yellow", "!") if is_open else ("good", "green", "✓")
    )
    console.print()
    verdict = word(settings.language, f"verdict_{name}")
    console.print(f"[{colour}]{sign} {verdict}[/] [dim]{word(settings.language, 'nothing_landed')}[/]")
    raise typer.Exit(1 if has_failed else 0)


def _feeds(loaded: LoadedSource, wanted: str, *, only_files: bool = False) -> list[str]:
    feeds = [name for name, one in loaded.source.feeds.items() if one.files or not only_files]
    if wanted and wanted not in feeds:
        raise typer.BadParameter(f"{loaded.path.name} has no feed {wanted}; it has {', '.join(feeds)}")
    return [wanted] if wanted else feeds


def _source_named(settings: Settings, wanted: str) -> LoadedSource:
    if Path(wanted).suffix.lower() in _YAML:
        return load_source(Path(wanted).expanduser().absolute())
    loaded, errors = load_source_results(settings.sources)
    found = next((one for one in loaded if one.source.name == wanted), None)
    if found is None:
        faulty = next((error for error in errors if error.path.stem == wanted), None)
        names = ", ".join(one.source.name for one in loaded)
        raise faulty or SourceConfigError(settings.sources, None, "", f"has no source {wanted}; it has {names}")
    return found


def _taking(console: Console, settings: Settings, file: Path) -> list[tuple[LoadedSource, str]]:
    """The feeds of the installation that take a file, after saying so.

    Raises:
        Exit: none does; what to do then is said.
    """
    language = settings.language
    try:
        loaded, errors = load_source_results(settings.sources)
    except SourceConfigError as error:  # no folder, or nothing in it: a new installation
        loaded, errors = [], [error]
    for fault in errors:
        console.print(f"[yellow]![/] {escape(str(fault))}", soft_wrap=True)
    taking = feeds_taking(settings, loaded, file)
    for one in taking:
        pattern = ", ".join(one.loaded.source.feeds[one.feed].files)
        why = word(language, one.why, pattern=pattern)
        told = word(language, "taken_by", file=file.name, feed=f"{one.loaded.source.name}.{one.feed}", why=why)
        console.print(escape(told), soft_wrap=True)
    if not taking:
        told = word(language, "taken_by_none", folder=_relative(settings.sources), file=file.name, path=_relative(file))
        console.print(f"[yellow]![/] {escape(told)}", soft_wrap=True)
        raise typer.Exit(1)
    return [(one.loaded, one.feed) for one in taking]


@app.command()
def new(
    file: PathArgument,
    name: Annotated[str, typer.Option(help="name of the source; default from the file's name")] = "",
    out: Annotated[str, typer.Option(help="file to write, never overwritten; default standard output")] = "",
) -> None:
    """Propose a source YAML for a data file."""
    settings = load_settings()
    console = Console(stderr=True, highlight=False, width=WIDTH if not sys.stderr.isatty() else None)
    file = file.expanduser().absolute()
    target = Path(out).expanduser().absolute() if out else None
    if not file.is_file():
        raise typer.BadParameter(f"{file}: no such file")
    if target and target.exists():
        raise typer.BadParameter(f"{target} is there already, and nothing is overwritten")
    proposal = propose(settings, file, name or None, target)
    if target:
        files.write_bytes(target, proposal.text.encode())
    else:
        sys.stdout.write(proposal.text)
        sys.stdout.flush()
    for line in proposal.summary:
        console.print(escape(line), soft_wrap=True)
    language = settings.language
    told = word(language, "written", path=_relative(target)) if target else word(language, "next")
    console.print(f"[dim]{escape(told)}[/]", soft_wrap=True)


@app.command()
def schema() -> None:
    """Write the JSON Schemas that editors use."""
    for path in write_schemas():
        typer.echo(path.name)


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _console() -> Console:
    # Into a file or a pipe there is no width to ask for.
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, given as arguments or those of the process. Returns the exit code if it can't be run at all.

    Raises:
        SystemExit: with code 1 if a mapping does not work, 2 for wrong arguments.
    """
    try:
        app(arguments)
    except (MetricsError, ValidationError) as error:
        Console(stderr=True, highlight=False).print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
