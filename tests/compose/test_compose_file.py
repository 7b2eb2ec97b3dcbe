"""The compose file is valid, gives nobody more than they need, and knows no password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from include.settings import Settings
from tests.support.compose_file import COMPOSE_FILE, filled, read_compose, required_variables

SERVICES = {
    "postgres",
    "redis",
    "airflow-init",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
}
SECRETS = {
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_JWT_SECRET",
    "METRICS_HASH_KEY",
}
GIVEN = {name: f"given-{name.lower()}" for name in SECRETS}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(read_compose()["services"])


def test_the_services_are_those_of_a_team(services: dict[str, Any]) -> None:
    assert set(services) == SERVICES


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="needs Debian's package docker-compose")
def test_compose_accepts_the_file_and_fills_it_in_as_these_tests_do() -> None:
    command = ["docker-compose", "--file", str(COMPOSE_FILE), "config"]
    environment = {"PATH": os.environ["PATH"], "COMPOSE_PROJECT_NAME": "checked"}

    done = subprocess.run(command, env=environment | GIVEN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["services"]
    ours = filled(read_compose()["services"], GIVEN)
    for name, service in ours.items():
        assert told[name].get("environment") == service.get("environment"), name

    for secret in SECRETS:
        lacking = {name: value for name, value in GIVEN.items() if name != secret}
        done = subprocess.run(command, env=environment | lacking, capture_output=True, text=True, check=False)
        assert done.returncode != 0 and "docs/running.md" in done.stderr, secret


def test_every_secret_is_required_and_none_is_written_down(services: dict[str, Any]) -> None:
    assert required_variables() == SECRETS
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD(?!S_FILE)|SECRET|KEY|AUTH$|NOTIFY", variable):
                assert re.fullmatch(r"\$\{\w+(:[?-][^}]*)?\}", str(value)), (name, variable)
                assert ":-" not in value or value.endswith(":-}"), (name, variable)
            assert not re.search(r"://[^$/@]*:[^$@/]+@", str(value)), (name, variable)
    with pytest.raises(KeyError):
        filled(services, {})


def test_no_service_has_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        user, group = service["user"].split(":")
        assert int(user) > 0 and int(group) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert any(one.split(":")[0] == "/tmp" for one in service["tmpfs"]), name
        assert not {"privileged", "network_mode", "pid", "ipc", "cap_add", "devices"} & set(service), name


def test_only_the_web_page_is_published_and_only_on_this_host(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"api-server"}
    assert all(port.startswith("127.0.0.1:") for port in published["api-server"])
    networks = read_compose()["networks"]
    assert networks["inside"]["internal"] is True
    assert services["postgres"]["networks"] == services["redis"]["networks"] == ["inside"]


def test_images_are_pinned_and_health_is_checked(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"]), name
        if name == "airflow-init":
            # It ends; the others wait for its success.
            assert service["restart"] == "no" and service["healthcheck"] == {"disable": True}
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert service["restart"] == "unless-stopped", name
    for name in SERVICES - {"postgres", "redis", "airflow-init"}:
        awaited = {one: how["condition"] for one, how in services[name]["depends_on"].items()}
        assert awaited["airflow-init"] == "service_completed_successfully", name
        assert awaited["postgres"] == awaited["redis"] == "service_healthy", name


def test_every_airflow_service_shares_data_home_and_settings(services: dict[str, Any]) -> None:
    known = {f"METRICS_{name.upper()}" for name in Settings.model_fields}
    airflow = {name: one for name, one in services.items() if name not in ("postgres", "redis")}
    for name, service in airflow.items():
        assert "data:/data" in service["volumes"], name
        environment = service["environment"]
        assert environment["METRICS_HOME"] == "/data", name
        assert {one for one in environment if one.startswith("METRICS_")} <= known, name
        shared = dict(airflow["scheduler"]["environment"])
        assert shared.items() <= environment.items(), name
