"""What answers below `/reports` on Airflow's web page: the data home's pages, for whoever may see the nightly.

An application of a plugin is not behind Airflow's log-in by itself, so one route answers every path, and nothing is
looked up before Airflow has said who asks: a stranger gets 401, whoever may not see the DAG 403, also where no page is.
"""
# ruff: noqa: PLC0415 - every process of Airflow loads plugins; only the API server needs what this needs

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

_HEADERS = {
    # The pages say so themselves; this also holds for what else may lie in the folder.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}


async def serve_pages(scope: Any, receive: Any, send: Any) -> None:
    """The application (ASGI), made at the first request."""
    await pages_app()(scope, receive, send)


@cache
def pages_app() -> Any:
    """The application that holds the only route."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI

    from service_metrics.names import NIGHTLY

    guard = Depends(requires_access_dag("GET", DagAccessEntity.RUN, NIGHTLY))
    app = FastAPI(title="Service Metrics pages", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/{path:path}", _answer, methods=["GET", "HEAD"], dependencies=[guard], response_model=None)
    return app


def _answer(path: str) -> Any:
    """A page; a folder's index in the installation's language."""
    from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse

    from include.settings import load_settings

    settings = load_settings()
    folder = path.strip("/")
    if not folder or path.endswith("/"):
        index = f"{folder or 'audit'}/index.{settings.language}.html"
        if _page_file(settings.home, index):
            return RedirectResponse(index if not folder else Path(index).name, headers=_HEADERS)
    found = _page_file(settings.home, path)
    if found is None:
        return PlainTextResponse("There is no such page.", status_code=404, headers=_HEADERS)
    return FileResponse(found, media_type="text/html; charset=utf-8", headers=_HEADERS)


def _page_file(home: Path, path: str) -> Path | None:
    """A page below `reports/` of the data home; none for anything that lies elsewhere or is no page."""
    reports = (home / "reports").resolve()
    file = (reports / path).resolve()
    return file if file.is_relative_to(reports) and file.suffix == ".html" and file.is_file() else None
