"""Send a notice to the addresses of METRICS_NOTIFY through apprise, and believe only an answer that says it arrived.

An address holds tokens: none is ever logged or returned, only the name of its service.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from apprise import NotifyBase

# These answer HTTP 200 also when they refuse: the field of the body that is 0 when the message was taken.
_VERDICT_FIELDS = {"wecombot": ("errcode",), "dingtalk": ("errcode",), "feishu": ("code", "StatusCode")}
# WeCom takes 2,048 bytes at most, the least of all.
MAX_BYTES = 1900


@dataclass(frozen=True)
class Sent:
    """How one address took a notice; `problem` is null if it arrived."""

    service: str
    problem: str | None


def send(addresses: str, title: str, body: str) -> list[Sent]:
    """Send a text to every address (apprise URLs, separated by spaces). Never raises for a failed sending."""
    with _silent_library():
        return [_send_one(number, one, title, body) for number, one in enumerate(addresses.split(), start=1)]


def _send_one(number: int, address: str, title: str, body: str) -> Sent:
    from apprise import Apprise  # noqa: PLC0415 - costs half a second, and only failed nights need it

    target = Apprise.instantiate(address, suppress_exceptions=True)
    if target is None:
        return Sent(f"address {number}", "apprise does not know this kind of address, or it is incomplete")
    service = str(target.service_name)
    try:
        with _recorded_answers() as answers:
            arrived = target.notify(body=_short(body, MAX_BYTES - len(title.encode())), title=title)
    except Exception as error:
        # Whatever a plugin raises, the others are still told; the error's text may hold the address.
        return Sent(service, f"sending raised {type(error).__name__}")
    if not arrived:
        codes = ", ".join(f"HTTP {answer.status_code}" for answer in answers)
        return Sent(service, f"not delivered ({codes or 'no answer'})")
    return Sent(service, _refusal(target, answers))


def _refusal(target: NotifyBase, answers: list[requests.Response]) -> str | None:
    """What the bodies of the answers say against the message having arrived; None if nothing."""
    fields = _VERDICT_FIELDS.get(str(target.secure_protocol))
    if fields is None:
        return None
    for answer in answers:
        try:
            body: Any = answer.json()
        except ValueError:
            body = None
        verdicts = [body[field] for field in fields if field in body] if isinstance(body, dict) else []
        if not verdicts:
            return f"an answer that is not the service's own (HTTP {answer.status_code})"
        if any(verdicts):
            said = str(body.get("errmsg") or body.get("msg") or "").splitlines()
            return f"refused with code {verdicts[0]}{': ' + said[0][:200] if said else ''}"
    return None


@contextmanager
def _recorded_answers() -> Iterator[list[requests.Response]]:
    """Keep the answers of all requests of the block: apprise's plugins show them to nobody."""
    answers: list[requests.Response] = []
    send_request = requests.Session.send

    def recording(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = send_request(session, request, **options)
        answers.append(answer)
        return answer

    requests.Session.send = recording  # type: ignore[method-assign, assignment]
    try:
        yield answers
    finally:
        requests.Session.send = send_request  # type: ignore[method-assign]


@contextmanager
def _silent_library() -> Iterator[None]:
    """Nothing of apprise or the HTTP client is logged: their lines hold addresses."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)


def _short(text: str, room: int) -> str:
    content = text.encode()
    return text if len(content) <= room else content[: max(room - 3, 0)].decode(errors="ignore") + "…"
