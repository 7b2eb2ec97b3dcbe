"""What a commit is held against: each kind of fault is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.development.check_files import MAX_BYTES, faults_of_files, lock_faults
from include.settings import PROJECT_ROOT

KEY = "-----BEGIN " + "PRIVATE KEY-----"


def faults_in(folder: Path, name: str, content: str) -> list[str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return faults_of_files([path], folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (KEY, "a private key"),
        ("AKIA" + "ABCDEFGHIJKLMNOP", "an access key"),
        ("postgresql://airflow:" + "hunter22@db.company.cn/airflow", "a password in an address"),
        ("METRICS_HASH_KEY=" + "0123456789abcdef" * 4, "METRICS_HASH_KEY"),
    ],
)
def test_a_secret_is_named_with_its_line(tmp_path: Path, content: str, words: str) -> None:
    (fault,) = faults_in(tmp_path, "notes.txt", f"first\n{content}\n")
    assert fault.startswith("notes.txt:2: ")
    assert words in fault


def test_placeholders_and_marked_lines_are_no_secrets(tmp_path: Path) -> None:
    content = (
        "postgresql://airflow:${POSTGRES_PASSWORD}@db/airflow\nmailtos://user:password@example.com\n"
        f"{KEY}  # no secret\nMETRICS_HASH_KEY=\n"
    )
    assert faults_in(tmp_path, "notes.txt", content) == []


def test_a_large_file_and_a_broken_yaml_are_told(tmp_path: Path) -> None:
    assert "KiB" in faults_in(tmp_path, "big.csv", "x" * (MAX_BYTES + 1))[0]
    assert "bad.yml" in faults_in(tmp_path, "bad.yml", "a: [1\n")[0]


def test_a_source_yaml_is_checked_as_the_nightly_does(tmp_path: Path) -> None:
    text = (PROJECT_ROOT / "config" / "sources" / "crm.yml").read_text(encoding="utf-8")
    assert faults_in(tmp_path, "good/crm.yml", text) == []
    (fault,) = faults_in(tmp_path, "bad/crm.yml", text.replace("delivery: ", "deliverey: ", 1))
    assert "crm.yml" in fault
    assert "deliver" in fault


def test_the_lock_file_keeps_step() -> None:
    wanted = "# tools\nduckdb==1.5.5\nPyYAML\ncelery<5.7\n"
    assert lock_faults(wanted, "celery==5.6.2\nduckdb==1.5.5\npyyaml==6.0.3\n") == []

    faults = lock_faults(wanted, "celery==5.7.0\nduckdb>=1\n")

    assert [" ".join(fault.split()[:3]) for fault in faults] == [
        "requirements.lock: duckdb>=1 is",
        "requirements.lock lacks duckdb",
        "requirements.lock lacks PyYAML",
        "requirements.lock has celery",
    ]


def test_the_project_s_own_lock_file_keeps_step() -> None:
    assert faults_of_files([PROJECT_ROOT / "requirements.in"]) == []
