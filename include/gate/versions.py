"""Mappings, rules and configuration of every night, kept by hash, so that a past night can be judged and built again.

`versions/mappings/<hash>.yml`, `versions/configuration/<hash>.yml` and `versions/rules/<hash>.json` hold the texts;
`versions/nights/<night>.json` says which of them a night used: one entry per version, where a night was run again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include import files
from include.configuration.loading import configuration_texts
from include.gate.rules import load_rules
from include.settings import Settings, night_id, parse_night_id
from include.sources.loading import INSTALLATION_FILE, load_source_results


class NightVersions(BaseModel):
    """What a night was configured with: YAML file name → hash of its text, and the hash of the rules."""

    model_config = ConfigDict(frozen=True)

    mappings: dict[str, str]
    rules: str
    configuration: dict[str, str] = {}


def versions_folder(home: Path) -> Path:
    """Where versions are kept."""
    return home / "versions"


def keep_versions(settings: Settings, as_of: datetime) -> None:
    """Keep tonight's rules, source YAMLs and configuration, and note for the night which they are."""
    folder = versions_folder(settings.home)
    rules = load_rules()
    texts = {one.path.name: one.text for one in load_source_results(settings.sources)[0]}
    installation = settings.sources / INSTALLATION_FILE
    if installation.exists():
        texts[installation.name] = installation.read_text(encoding="utf-8")
    mappings = _keep_all(folder / "mappings", texts)
    configuration = _keep_all(folder / "configuration", configuration_texts(settings.config))
    _keep(folder / "rules" / f"{rules.digest}.json", rules.text)
    tonight = NightVersions(mappings=mappings, rules=rules.digest, configuration=configuration)
    noted = read_versions(settings.home, as_of)
    if not noted or noted[-1] != tonight:
        versions = [one.model_dump() for one in [*noted, tonight]]
        files.write_json(_night_file(settings.home, as_of), {"versions": versions})


def read_versions(home: Path, as_of: datetime) -> list[NightVersions]:
    """The configurations under which a night was run, in their order; none if it was not."""
    path = _night_file(home, as_of)
    if not path.exists():
        return []
    return [NightVersions.model_validate(one) for one in files.read_json(path)["versions"]]


def nights_with_versions(home: Path) -> list[datetime]:
    """The nights (UTC) that were run, in their order."""
    names = sorted(path.stem for path in (versions_folder(home) / "nights").glob("[!.]*.json"))
    return [parse_night_id(name) for name in names]


def rules_text(home: Path, digest: str) -> str:
    """The kept text of rules.

    Raises:
        DamagedFileError: it is gone, or not what it was.
    """
    return _kept(versions_folder(home) / "rules" / f"{digest}.json", digest)


def write_mappings(home: Path, versions: NightVersions, folder: Path) -> None:
    """Write the source YAMLs of a configuration into an empty folder, under their names.

    Raises:
        DamagedFileError: one is gone, or not what it was.
    """
    _write_all(versions_folder(home) / "mappings", versions.mappings, folder)


def write_configuration(home: Path, versions: NightVersions, folder: Path) -> None:
    """Write the configuration of a night into an empty folder, under the names of its files.

    Raises:
        DamagedFileError: one is gone, or not what it was.
    """
    _write_all(versions_folder(home) / "configuration", versions.configuration, folder)


def _write_all(kept: Path, names: dict[str, str], folder: Path) -> None:
    for name, digest in names.items():
        files.write_bytes(folder / name, _kept(kept / f"{digest}.yml", digest).encode())


def _keep_all(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """Keep texts by hash. Returns name → hash."""
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    for name, digest in hashes.items():
        _keep(folder / f"{digest}.yml", texts[name])
    return hashes


def _night_file(home: Path, as_of: datetime) -> Path:
    return versions_folder(home) / "nights" / f"{night_id(as_of)}.json"


def _keep(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        files.write_bytes(path, text.encode())


def _kept(path: Path, digest: str) -> str:
    content = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise files.DamagedFileError(f"{path} is gone or damaged. Restore it from a backup.")
    return content.decode()
