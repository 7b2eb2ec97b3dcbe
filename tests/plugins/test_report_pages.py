"""The data home's pages on Airflow's web page: for whoever may see the nightly, and for nobody else."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from airflow.models.revoked_token import RevokedToken
from fastapi.testclient import TestClient
from service_metrics.page_links import PREFIX, page_links
from service_metrics.report_pages import pages_app, serve_pages
from starlette.applications import Starlette
from starlette.routing import Mount

from include.settings import PROJECT_ROOT

PAGE = f"{PREFIX}/audit/night/20260630T160000Z.en.html"
PATHS = [
    PAGE,
    f"{PREFIX}/",
    f"{PREFIX}/audit/",
    f"{PREFIX}/audit/index.zh.html",
    f"{PREFIX}/audit/no_such_page.html",
    f"{PREFIX}/%2e%2e/ledger/secret.json",
    f"{PREFIX}/docs",
    f"{PREFIX}/openapi.json",
]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Airflow's log-in as `make up` has it, without its database."""
    for name in ("audit/index.en.html", "audit/index.zh.html", "audit/night/20260630T160000Z.en.html"):
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<html>{name}</html>", encoding="utf-8")
    (tmp_path / "reports" / "audit" / "notes.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "secret.html").write_text("secret", encoding="utf-8")
    (tmp_path / "reports" / "link.html").symlink_to(tmp_path / "secret.html")
    monkeypatch.setenv("METRICS_HOME", str(tmp_path))
    monkeypatch.setenv(
        "AIRFLOW__API_AUTH__JWT_SECRET", "a secret for tests that is long enough to sign with"
    )  # no secret
    monkeypatch.setattr(DagModel, "get_team_name", staticmethod(lambda dag_id: None))
    monkeypatch.setattr(RevokedToken, "is_revoked", staticmethod(lambda jti: False))
    airflow_app.purge_cached_app()
    pages_app.cache_clear()
    airflow_app.create_auth_manager()
    yield TestClient(Starlette(routes=[Mount(PREFIX, serve_pages)]), follow_redirects=False)
    airflow_app.purge_cached_app()


def token(role: str | None) -> dict[str, str]:
    user = SimpleAuthManagerUser(username="somebody", role=role)
    return {"Authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user)}"}


@pytest.mark.parametrize("path", PATHS)
def test_strangers_get_nothing_whatever_they_ask_for(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.head(path)):
        assert answer.status_code == 401
    assert "html" not in client.get(path).text
    forged = client.get(path, headers={"Authorization": "Bearer e30.e30.e30"})
    assert forged.status_code == 403
    assert client.get(path, headers=token(None)).status_code == 403, "a user without a role"


def test_whoever_may_see_the_nightly_sees_its_pages(client: TestClient) -> None:
    answer = client.get(PAGE, headers=token("VIEWER"))
    assert answer.status_code == 200
    assert answer.text == "<html>audit/night/20260630T160000Z.en.html</html>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(("language", "index"), [("en", "index.en.html"), ("zh", "index.zh.html")])
def test_a_folder_leads_to_its_index_in_the_language_of_the_installation(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, language: str, index: str
) -> None:
    monkeypatch.setenv("METRICS_LANGUAGE", language)
    assert client.get(f"{PREFIX}/audit/", headers=token("VIEWER")).headers["location"] == index
    assert client.get(f"{PREFIX}/", headers=token("VIEWER")).headers["location"] == f"audit/{index}"
    assert client.get(f"{PREFIX}/metrics/", headers=token("VIEWER")).status_code == 404, "none written yet"


@pytest.mark.parametrize(
    "path",
    ["audit/notes.txt", "%2e%2e/secret.html", "..%2fsecret.html", "audit", "link.html", "/etc/hosts", "none.html"],
)
def test_nothing_but_pages_is_given_away(client: TestClient, path: str) -> None:
    answer = client.get(f"{PREFIX}/{path}", headers=token("ADMIN"))
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_nothing_can_be_written(client: TestClient) -> None:
    assert client.post(PAGE, headers=token("ADMIN")).status_code == 405


def test_airflow_finds_the_links_and_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("loaded", PROJECT_ROOT / "plugins" / "service_metrics_plugin.py")
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    plugin = module.ServiceMetricsPlugin
    assert [one["url_prefix"] for one in plugin.fastapi_apps] == ["/reports"]
    assert {view["href"] for view in plugin.external_views} == {"/reports/audit/", "/reports/metrics/"}

    monkeypatch.setenv("METRICS_LANGUAGE", "zh")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.com/airflow/")
    assert [(view["name"], view["href"]) for view in page_links()] == [
        ("服务指标", "/airflow/reports/metrics/"),
        ("数据质量审计", "/airflow/reports/audit/"),
    ]
