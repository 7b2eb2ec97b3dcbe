"""What can be told of the image without building it: versions, user, and that all it needs is sent to the builder."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from include.settings import PROJECT_ROOT
from tests.support.compose_file import read_compose

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
# What the nightly needs at run time; a folder that is missing here shows as a failing import in the topology test.
NEEDED = ("dags", "plugins", "include", "expectations", "dbt_project", "config", "requirements.lock", "pyproject.toml")


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", " ", text)
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def sent_to_the_builder(path: str) -> bool:
    """Whether `.dockerignore` lets a path through: the last pattern that matches decides."""
    sent = True
    for line in (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        parts = path.split("/")
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        wanted = pattern.lstrip("!")
        names = parts if wanted.startswith("**/") else heads
        if any(fnmatch(name, wanted.removeprefix("**/")) for name in names):
            sent = pattern.startswith("!")
    return sent


def test_every_stage_is_pinned_to_the_python_of_the_project() -> None:
    stages = [arguments.split()[0] for name, arguments in instructions() if name == "FROM"]
    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", stage) for stage in stages)


def test_what_is_copied_is_there_and_is_sent() -> None:
    for path in NEEDED:
        assert (PROJECT_ROOT / path).exists(), path
        assert sent_to_the_builder(path), path
    for name, arguments in instructions():
        if name == "COPY" and not arguments.startswith("--from"):
            for source in arguments.split()[:-1]:
                assert source == "." or sent_to_the_builder(source), source


def test_nothing_private_or_superfluous_is_sent() -> None:
    for path in (".env", ".git", "data", "tests", ".venv", "dags/__pycache__/nightly.pyc", "dbt_project/target/x"):
        assert not sent_to_the_builder(path), path


def test_it_runs_as_a_user_without_rights_that_the_services_name() -> None:
    users = [arguments for name, arguments in instructions() if name == "USER"]
    assert users == ["1000:1000"]
    services = read_compose()["services"].values()
    assert {one["user"] for one in services if one["image"].startswith("service-metrics:")} == set(users)
    assert "--uid 1000" in DOCKERFILE
    # The rights are given up for good: nothing is installed after that.
    names = [name for name, _ in instructions()]
    assert "RUN" not in names[names.index("USER") :]


def test_packages_come_from_the_lock_and_leave_no_cache() -> None:
    runs = " ".join(arguments for name, arguments in instructions() if name == "RUN")
    assert "--requirement /tmp/requirements.lock" in runs and "--no-cache-dir" in runs
    assert "--no-install-recommends fonts-wqy-microhei" in runs
    assert "rm -rf /var/lib/apt/lists/*" in runs


def test_its_health_is_checked_and_the_tag_is_the_version() -> None:
    assert "HEALTHCHECK" in [name for name, _ in instructions()]
    version = re.search(r'^version = "(.+)"$', (PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert version
    assert read_compose()["services"]["worker"]["image"] == f"service-metrics:{version[1]}"
