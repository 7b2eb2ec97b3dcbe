"""Phrases, and names for codes, in both languages, as a YAML file has them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from include.warehouse.night_summary import Language
from include.yaml_file import SafeLoader


@dataclass(frozen=True)
class Phrases:
    """`phrases`: by name and language; `codes`: by kind, code and language."""

    file: Path

    def say(self, language: Language, name: str, /, **about: object) -> str:
        """A phrase in a language, with what it is about filled in."""
        return self._phrase(language, name).format(**about)

    def named(self, language: Language, kind: str, code: str) -> str:
        """A code in words; one that has none is shown as it is, spaced."""
        words = self._content["codes"][kind].get(code)
        return str(words[language]) if words else code.replace("_", " ")

    def is_named(self, kind: str, code: str) -> bool:
        """Whether a code has words of its own."""
        return code in self._content["codes"].get(kind, {})

    @cache  # noqa: B019 - the few files of phrases are read once
    def _phrase(self, language: Language, name: str) -> str:
        return str(self._content["phrases"][name][language])

    @cached_property
    def _content(self) -> dict[str, dict[str, Any]]:
        content: dict[str, dict[str, Any]] = yaml.load(self.file.read_text(encoding="utf-8"), Loader=SafeLoader)
        return content
