"""What a commit is held against beyond format and style (pre-commit): size, secrets, source YAMLs, the lock file.

python -m include.development.check_files <file> …
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from include.settings import PROJECT_ROOT
from include.sources import load_source_results

MAX_BYTES = 500_000
# Written by a tool, and as long as it has to be.
_MAY_BE_LARGE = frozenset({"docs/marts.md"})
_SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "an access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abp]-[\w-]{20,}"),
    "a password in an address": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s:/@{}$<>'\"]+:(?![$<{*…])[^\s:/@{}'\"]{6,}"
        r"@(?!(?:[\w.-]+\.)?example\.|127\.0\.0\.1|localhost)"
    ),
    "a value of METRICS_HASH_KEY": re.compile(r"METRICS_HASH_KEY\s*[=:]\s*['\"]?[0-9a-fA-F]{32,}"),
}  # fmt: skip
# A line that shows what a secret looks like says so.
_SHOWN = re.compile(r"#\s*no secret\b")


def faults_of_files(paths: Sequence[Path], root: Path = PROJECT_ROOT) -> list[str]:
    """What is wrong with these files of the project, with file and line."""
    files = sorted({path.resolve() for path in paths if path.is_file()})
    faults = [fault for path in files for fault in _faults_of_content(path, root)]
    faults += _faults_of_sources(files)
    if any(path.name in ("requirements.in", "requirements.lock") for path in files):
        faults += lock_faults(
            (root / "requirements.in").read_text(encoding="utf-8"),
            (root / "requirements.lock").read_text(encoding="utf-8"),
        )
    return faults


def lock_faults(wanted: str, locked: str) -> list[str]:
    """Requirements that the lock file lacks or holds in another version, and lines of it that pin nothing."""
    faults = []
    pinned = {}
    for line in _lines(locked):
        requirement = Requirement(line)
        exact = [one.version for one in requirement.specifier if one.operator == "=="]
        if len(exact) == 1:
            pinned[canonicalize_name(requirement.name)] = exact[0]
        else:
            faults.append(f"requirements.lock: {line} is not pinned to one version")
    for line in _lines(wanted):
        requirement = Requirement(line)
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            faults.append(f"requirements.lock lacks {requirement.name} of requirements.in; compile it again")
        elif not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"requirements.lock has {requirement.name} {version}, requirements.in wants {line}")
    return faults


def _lines(text: str) -> list[str]:
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _faults_of_content(path: Path, root: Path) -> list[str]:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    size = path.stat().st_size
    if size > MAX_BYTES and name not in _MAY_BE_LARGE:
        return [f"{name}: {size >> 10} KiB; more than {MAX_BYTES >> 10} KiB don't belong into the repository"]
    content = path.read_bytes()
    if b"\0" in content[:8000]:
        return []
    text = content.decode("utf-8", errors="replace")
    faults = [
        f"{name}:{number}: looks like {what}; take it out (a made-up one: end the line with '# no secret')"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in _SECRETS.items()
        if pattern.search(line) and not _SHOWN.search(line)
    ]
    if path.suffix in (".yml", ".yaml"):
        try:
            list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        except yaml.YAMLError as error:
            faults.append(f"{name}: {' '.join(str(error).split())}")
    return faults


def _faults_of_sources(files: Sequence[Path]) -> list[str]:
    """Source YAMLs among the files, each checked against contracts and schema as the nightly does."""
    folders = {path.parent for path in files if path.suffix in (".yml", ".yaml") and _is_source(path)}
    return [str(error) for folder in sorted(folders) for error in load_source_results(folder)[1]]


def _is_source(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(re.search(r"^source:", text, re.MULTILINE) and re.search(r"^feeds:", text, re.MULTILINE))


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong. Returns the exit code."""
    faults = faults_of_files([Path(one) for one in arguments])
    for fault in faults:
        print(f"✗ {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
