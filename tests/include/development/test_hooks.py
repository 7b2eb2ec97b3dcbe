"""The hooks of pre-commit on a small tree: they pass on a clean one and each kind of bad file is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

SHARED = [".pre-commit-config.yaml", ".sqlfluff", ".sqlfluffignore", "pyproject.toml", "requirements.in", "requirements.lock"]  # fmt: skip  # noqa: E501
FOLDERS = ["include", "expectations", "config/sources", "dbt_project/macros"]
MODEL = "dbt_project/models/marts/core/dim_region.sql"


class Tree:
    """A git repository that holds a part of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in [*SHARED, MODEL, "dbt_project/dbt_project.yml"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_ROOT / name, folder / name)
        # The environment that runs these tests, under the name that the hooks know.
        (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
        (folder / ".gitignore").write_text(".venv\n__pycache__/\n", encoding="utf-8")
        self.run("git", "init", "--quiet")
        self.run("git", "add", "--all")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHONPATH"))}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def hooks(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("pre-commit")), "run", *arguments)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("hooks") / "tree")


def test_a_clean_tree_passes(tree: Tree) -> None:
    own = [path.relative_to(tree.folder).as_posix() for path in (tree.folder / "include/development").rglob("*.py")]
    done = tree.hooks("--files", *own, *SHARED, MODEL, *(f"config/sources/{name}.yml" for name in ("crm", "desk")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 4


def test_each_kind_of_bad_file_is_refused(tree: Tree) -> None:
    bad = {
        "include/untidy.py": "import os\ndef f( a ):\n    return  a\n",
        "dbt_project/models/marts/core/dim_bad.sql": "SELECT a A, b FROM {{ ref('dim_region') }} r\n",
        "config/sources/bad.yml": "source: bad\nsystem: Bad\ngroup: moon\nfolder: x\nfeeds: {}\n",
        "notes.md": "-----BEGIN " + "PRIVATE KEY-----\n",
    }
    for name, text in bad.items():
        path = tree.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tree.run("git", "add", "--all")

    done = tree.hooks("--files", *bad)

    assert done.returncode == 1
    told = done.stdout
    assert told.count("Failed") == 4, told
    for words in ("files were modified", "F401", "CP01", "bad.yml", "a private key"):
        assert words in told
