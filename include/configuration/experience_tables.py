"""What dbt reads of the weights and of the sampling: control tables, one row per scene, weight, stratum and purpose."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.configuration.loading import read_part
from include.configuration.sampling import Sampling
from include.configuration.weights import CONDITIONS, CsiWeights

_EXACT = pa.decimal128(18, 6)
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "csi_scene": {
        "scene": pa.string(),
        "scene_rank": pa.int32(),
        "name_en": pa.string(),
        "name_zh": pa.string(),
        **dict.fromkeys(CONDITIONS, pa.string()),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "coverage_min": _EXACT,
    },
    "csi_weight": {"scene": pa.string(), "scene_rank": pa.int32(), "dimension": pa.string(), "weight": _EXACT},
    "sampling_purpose": {
        "purpose": pa.string(),
        "population": pa.string(),
        "wave": pa.string(),
        "recently_asked_days": pa.int32(),
    },
    "sampling_stratum": {"tier": pa.string(), "stratum": pa.string()},
}
Row = dict[str, Any]


def experience_tables(config: Path) -> dict[str, list[Row]]:
    """Rows of every table in SCHEMAS, from the files of the configuration's folder.

    Raises:
        ConfigurationError: a file can't be used.
    """
    weights = read_part(config, "weights.yml", CsiWeights)
    sampling = read_part(config, "sampling.yml", Sampling)
    return {**weight_rows(weights), **sampling_rows(sampling)}


def weight_rows(weights: CsiWeights) -> dict[str, list[Row]]:
    """`csi_scene`, one row per scene and combination of its conditions (null asks nothing), and `csi_weight`."""
    scenes = [
        {
            "scene": scene.scene,
            "scene_rank": rank,
            "name_en": scene.en,
            "name_zh": scene.zh,
            **dict(zip(CONDITIONS, values, strict=True)),
            "valid_from": scene.valid_from,
            "valid_to": scene.valid_to,
            "coverage_min": weights.coverage_min,
        }
        for rank, scene in enumerate(weights.scenes, start=1)
        for values in product(*(dict.fromkeys(getattr(scene, name)) or (None,) for name in CONDITIONS))
    ]
    parts = [
        {"scene": scene.scene, "scene_rank": rank, "dimension": dimension, "weight": weight}
        for rank, scene in enumerate(weights.scenes, start=1)
        for dimension, weight in scene.weights.items()
    ]
    return {"csi_scene": scenes, "csi_weight": parts}


def sampling_rows(sampling: Sampling) -> dict[str, list[Row]]:
    """`sampling_purpose` and `sampling_stratum`."""
    purposes = [
        {"purpose": purpose, **one.model_dump(), "recently_asked_days": sampling.recently_asked_days}
        for purpose, one in sampling.purposes.items()
    ]
    strata = [{"tier": tier, "stratum": stratum} for tier, stratum in sampling.strata.items()]
    return {"sampling_purpose": purposes, "sampling_stratum": strata}
