"""`include.files` is the only writer in the data home: others fill the temporary paths that it gives them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

# The writer itself, and those who write elsewhere: the sample company's files where its systems would put them, what
# reads a received file into the scratch folder that landing hands it, an analyst's own files, a person's new YAML.
ELSEWHERE = {
    "include/files.py": "the writer",
    "include/sample_company/": "writes for the systems outside",
    "include/sources/": "fills the scratch folder that landing hands it",
    "include/development/": "writes what belongs to the person who develops",
    "include/mapping_help/": "writes the YAML that a person asked for",
}
# Names of what a function is given to fill: a temporary path of `include.files`, or a scratch folder.
GIVEN = {"temporary", "target", "copy", "scratch", "folder"}
GIVERS = ("files.writing", "files.writing_folder", "tempfile.TemporaryDirectory", "self._scratch")
METHODS = {"write_text", "write_bytes", "rename", "replace", "symlink_to", "hardlink_to", "touch", "unlink", "rmdir"}
FUNCTIONS = {
    "os.replace", "os.rename", "os.remove", "os.unlink", "os.link", "os.symlink", "os.truncate",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move", "shutil.rmtree",
    "pq.write_table",
}  # fmt: skip
COPY_TO = re.compile(r"\bcopy\b.*\bto\b", re.DOTALL)


def modules() -> list[Path]:
    found = [path for room in ("include", "plugins") for path in sorted((PROJECT_ROOT / room).rglob("*.py"))]
    return [path for path in found if not path.relative_to(PROJECT_ROOT).as_posix().startswith(tuple(ELSEWHERE))]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PROJECT_ROOT).as_posix())
def test_writes_only_into_what_it_was_given(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(_faults(tree)) == []


@pytest.mark.parametrize(
    "code",
    [
        "def f(home):\n    (home / 'x').write_text('y')",
        "def f(path):\n    path.open('w')",
        "def f(path):\n    open(path, mode='ab')",
        "def f(one, other):\n    os.replace(one, other)",
        "def f(one, other):\n    one.replace(other)",
        "def f(con, home):\n    con.execute(f\"copy (select 1) to '{home}' (format parquet)\")",
        "def f(con, home):\n    with files.writing(home) as temporary:\n        con.execute(f\"copy t to '{home}'\")",
        "def f(home):\n    shutil.rmtree(home)",
    ],
)
def test_another_writer_would_be_found(code: str) -> None:
    assert list(_faults(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "def f(home):\n    with files.writing(home) as temporary:\n        temporary.write_text('y')",
        "def f(con, home):\n    with files.writing(home) as t:\n        con.execute(f\"copy a to '{t}'\")",
        "def f(path, target):\n    path.open('rb')\n    target.open('wb')",
        "def f(text):\n    return text.replace('a', 'b')",
    ],
)
def test_what_is_given_may_be_filled(code: str) -> None:
    assert list(_faults(ast.parse(code))) == []


def _faults(tree: ast.Module) -> Iterator[str]:
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        given = set(_given(function))
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            written = _written(call)
            if written is not None and not given & {
                node.id for node in ast.walk(written) if isinstance(node, ast.Name)
            }:
                yield f"line {call.lineno}: {ast.unparse(call)[:100]}"


def _given(function: ast.FunctionDef) -> Iterator[str]:
    """What a function may fill: parameters of such a name, what `files` gives it, and names for what lies in these."""
    given = {one.arg for one in function.args.args} & GIVEN
    for item in (item for node in ast.walk(function) if isinstance(node, ast.With) for item in node.items):
        giver = item.context_expr
        if isinstance(giver, ast.Call) and ast.unparse(giver.func) in GIVERS and item.optional_vars:
            given |= _names(item.optional_vars)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and given & _names(node.value):
            given |= _names(node.targets[0])
    yield from given


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _written(call: ast.Call) -> ast.AST | None:
    """The part of a call that says where it writes; null if it writes no file."""
    name = ast.unparse(call.func)
    if name.startswith("files."):
        return None
    if name in FUNCTIONS:
        return ast.Tuple(list(call.args))
    if name.endswith(".execute") or name.endswith(".one"):
        sql = ast.unparse(call.args[0]) if call.args else ""
        return call if COPY_TO.search(sql) else None
    if name == "open" or name.endswith(".open"):
        modes = [one for one in [*call.args, *(key.value for key in call.keywords)] if isinstance(one, ast.Constant)]
        return call if any(isinstance(one.value, str) and set(one.value) & set("wax+") for one in modes) else None
    if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        # `replace` with two arguments is that of texts and times.
        is_text = call.func.attr == "replace" and (len(call.args) != 1 or call.keywords)
        return None if is_text else call.func.value
    return None
