"""Read a YAML file that people write into a model; every error names file, line and key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without its C library reads the same, ten times more slowly
    from yaml import SafeLoader  # type: ignore[assignment]

from include.errors import MetricsError

M = TypeVar("M", bound=BaseModel)


class YamlFileError(MetricsError):
    """A YAML file can't be used; the text names file, line and key."""

    def __init__(self, path: Path, line: int | None, key: str, problem: str, code: str | None = None) -> None:
        place = f"{path.name}:{line}" if line else path.name
        super().__init__(f"{place}: {key + ': ' if key else ''}{problem}", code)
        self.path = path
        self.line = line
        self.key = key


class _Loader(SafeLoader):
    """YAML without surprises: keys are always text (`是`, `01`, `yes`), the only booleans are true and false, the only
    numbers are whole ones as people write them; `010`, `12:30`, `1.10` and `2026-06-01` stay the text that they are."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        pairs: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.value in pairs:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value} stands twice", key_node.start_mark
                )
            pairs[key_node.value] = self.construct_object(value_node, deep=True)
        return pairs


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^(?:0|-?[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def text_of(path: Path, error_kind: type[YamlFileError]) -> str:
    """The text of a file.

    Raises:
        YamlFileError: of the given kind; it can't be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise error_kind(path, None, "", "is not UTF-8") from error
    except OSError as error:  # a folder
        raise error_kind(path, None, "", str(error)) from error


def model_of(path: Path, text: str, model: type[M], error_kind: type[YamlFileError]) -> M:
    """A YAML text as a model.

    Raises:
        YamlFileError: of the given kind; it is no YAML, or not what the model wants.
    """
    try:
        content = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise error_kind(path, mark.line + 1 if mark else None, "", str(error.problem)) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a control character, a key that is a list
        raise error_kind(path, None, "", str(error)) from error
    if not isinstance(content, dict):
        raise error_kind(path, 1, "", "is empty or not a mapping")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = [part for part in first["loc"] if not _is_union_branch(part)]
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = "unknown key"
        line = line_of(text, key)
        raise error_kind(path, line, ".".join(map(str, key)), problem) from error


def _is_union_branch(part: str | int) -> bool:
    """Pydantic names the tried branch of a union (`str`, `dict[str,…]`) as if it were a key."""
    return isinstance(part, str) and (part in {"str", "float", "int"} or "[" in part)


def line_of(text: str, key: Sequence[str | int]) -> int | None:
    """Line of the deepest part of `key` that a YAML text has."""
    node: yaml.Node | None = yaml.compose(text, _Loader)
    line = node.start_mark.line + 1 if node else None
    for part in key:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
