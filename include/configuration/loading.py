"""Read the configuration's files; each is optional, and its model's defaults hold where it is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from include.yaml_file import YamlFileError, model_of, text_of

M = TypeVar("M", bound=BaseModel)


class ConfigurationError(YamlFileError):
    """A file of the configuration can't be used; the text names file, line and key."""

    default_code = "SM103"


def configuration_texts(folder: Path) -> dict[str, str]:
    """File name -> text of every file of the configuration, so that a past night can be built with its own.

    Raises:
        ConfigurationError: a file can't be read.
    """
    return {path.name: text_of(path, ConfigurationError) for path in sorted(folder.glob("*.yml"))}


def read_part(folder: Path, name: str, model: type[M]) -> M:
    """One file of the configuration, or its model's defaults where there is none.

    Raises:
        ConfigurationError: it is no YAML, or not what the model wants.
    """
    path = folder / name
    if not path.exists():
        return model()
    return model_of(path, text_of(path, ConfigurationError), model, ConfigurationError)
