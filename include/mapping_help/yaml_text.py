"""Write YAML with comments: scalars that our loader reads back as the same text, short things on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

WIDTH = 116
_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff ./%+（）、，！？：－-]*")
# What some YAML reader takes for something else than a text.
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "none"}


def scalar(text: str) -> str:
    """A text as YAML, in quotes where it could be read as anything else."""
    is_plain = _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def code(text: str) -> str:
    """A value of a map: numbers and truth values stand without quotes."""
    return text if re.fullmatch(r"-?\d+|true|false", text) else scalar(text)


def flow_list(texts: Sequence[str]) -> str:
    """Texts as a list on one line."""
    return f"[{', '.join(map(scalar, texts))}]"


def flow_map(pairs: Mapping[str, str]) -> str:
    """Keys and YAML of their values as a map on one line."""
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


def comment(text: str, indent: int) -> list[str]:
    """A comment as lines of bounded width."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > WIDTH - indent:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [f"{' ' * indent}# {one}" for one in [*lines, line]]


class YamlLines:
    """Lines of YAML that grow."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.doubts = 0

    def add(self, indent: int, text: str) -> None:
        """Add a line."""
        self.lines.append(f"{' ' * indent}{text}")

    def say(self, indent: int, text: str) -> None:
        """Add a comment."""
        self.lines += comment(text, indent)

    def doubt(self, indent: int, text: str) -> None:
        """Add a comment on a guess that a person is to look at."""
        self.doubts += 1
        self.lines += comment(f"? {text}", indent)

    def pair(self, indent: int, key: str, value: str | Mapping[str, str]) -> None:
        """Add `key: value`; a map on one line where it fits, else a line per entry."""
        if isinstance(value, str):
            self.add(indent, f"{key}: {value}")
            return
        line = f"{key}: {flow_map(value)}"
        if len(line) + indent <= WIDTH and len(value) <= 8:
            self.add(indent, line)
            return
        self.add(indent, f"{key}:")
        for name, one in value.items():
            self.add(indent + 2, f"{name}: {one}")

    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines) + "\n"
