"""Fitted models, kept by what they were fitted on.

A version is a hash of everything that decides a fit: kind, settings, this code, the grouped counts. So the same data
give the same version on every night and in every order, and what is kept is read instead of fitted again. Nothing is
lost with it: like the build file it can be made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from include import files

# To be raised whenever a fit of the same data becomes another one.
CODE = 1
_LENGTH = 16


def version_of(kind: str, settings: Mapping[str, Any], counts: Sequence[npt.NDArray[Any]]) -> str:
    """The name of a model: hex, from its kind, its settings and the arrays that it is fitted on."""
    digest = hashlib.sha256(json.dumps([kind, CODE, dict(settings)], sort_keys=True).encode())
    for array in counts:
        kept = np.ascontiguousarray(array, dtype="<f8" if array.dtype.kind == "f" else "<i8")
        digest.update(f"{kept.dtype.str}{kept.shape}".encode())
        digest.update(kept.tobytes())
    return digest.hexdigest()[:_LENGTH]


class ModelStore:
    """A folder with one JSON file per version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, version: str) -> Any | None:
        """What is kept under a version; None if nothing is, or if it is damaged."""
        path = self._path(version)
        if not path.exists():
            return None
        try:
            return files.read_json(path)
        except files.DamagedFileError:
            return None

    def write(self, version: str, model: Mapping[str, Any]) -> None:
        """Keep a model."""
        files.write_json(self._path(version), dict(model))

    def _path(self, version: str) -> Path:
        return self._folder / f"{version}.json"
