"""Files of the configuration: optional, checked, and kept for the nights that used them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from include.configuration.loading import ConfigurationError, read_part
from include.gate.versions import keep_versions, read_versions, write_configuration
from include.settings import load_settings
from tests.support.warehouse_fixture import AS_OF


class _Weights(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scenes: dict[str, float] = {"everyday": 1.0}


def test_a_missing_file_leaves_the_defaults(tmp_path: Path) -> None:
    assert read_part(tmp_path, "weights.yml", _Weights) == _Weights()


def test_a_text_is_read_as_its_model_wants(tmp_path: Path) -> None:
    (tmp_path / "weights.yml").write_text("scenes:\n  安装: 0.25\n", encoding="utf-8")
    assert read_part(tmp_path, "weights.yml", _Weights).scenes == {"安装": 0.25}


def test_a_wrong_value_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "weights.yml").write_text("scenes:\n  b2b: 0.5\n  b2c: much\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^weights.yml:3: scenes.b2c: .*\[SM103\]$"):
        read_part(tmp_path, "weights.yml", _Weights)


def test_an_unknown_key_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "weights.yml").write_text("scenes: {}\nscens: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^weights.yml:2: scens: unknown key"):
        read_part(tmp_path, "weights.yml", _Weights)


def test_a_night_keeps_its_configuration_until_it_is_built_again(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    settings = load_settings().model_copy(update={"home": tmp_path / "home", "config": config})
    (config / "weights.yml").write_text("scenes: {b2b: 1}\n", encoding="utf-8")
    keep_versions(settings, AS_OF)
    (config / "weights.yml").write_text("scenes: {b2b: 2}\n", encoding="utf-8")
    keep_versions(settings, AS_OF)

    first, second = read_versions(settings.home, AS_OF)
    for versions, expected in ((first, "scenes: {b2b: 1}\n"), (second, "scenes: {b2b: 2}\n")):
        folder = tmp_path / expected.strip()
        folder.mkdir()
        write_configuration(settings.home, versions, folder)
        assert (folder / "weights.yml").read_text(encoding="utf-8") == expected
