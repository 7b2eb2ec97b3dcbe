"""A notice counts as delivered only when the service says so, and no address is ever told to anybody."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from service_metrics.notifier import MAX_BYTES, Sent, send

from tests.support.webhook import Webhook, webhook

KEY = "a-very-secret-key"
BODY = "settle: 磁盘已满 [SM402]"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A server that stands for every service whose address apprise knows by itself."""
    from apprise.plugins.dingtalk import NotifyDingTalk
    from apprise.plugins.feishu import NotifyFeishu
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.wecombot import NotifyWeComBot

    with webhook() as one:
        monkeypatch.setattr(NotifyWeComBot, "notify_url", one.url + "/wecom?key={key}")
        monkeypatch.setattr(NotifyDingTalk, "notify_url", one.url + "/dingtalk?access_token={token}")
        monkeypatch.setattr(NotifyFeishu, "notify_url", one.url + "/feishu/{token}/")
        monkeypatch.setattr(NotifySlack, "webhook_url", one.url + "/slack")
        yield one


ADDRESSES = {
    "wecom": f"wecombot://{KEY}",
    "dingtalk": f"dingtalk://{'a' * 32}",
    "feishu": f"feishu://{'b' * 36}",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#nights",
}
TAKEN = {"wecom": b'{"errcode":0,"errmsg":"ok"}', "dingtalk": b'{"errcode":0,"errmsg":"ok"}', "slack": b"ok"}
TAKEN["feishu"] = b'{"code":0,"data":{},"msg":"success"}'
REFUSED = {
    "wecom": b'{"errcode":93000,"errmsg":"invalid webhook url"}',
    "dingtalk": b'{"errcode":310000,"errmsg":"keywords not in content"}',
    "feishu": b'{"code":19024,"msg":"Key Words Not Found"}',
    "slack": b"no_service",
}


@pytest.mark.parametrize("service", ADDRESSES)
def test_a_message_that_a_service_takes_is_delivered(hook: Webhook, service: str) -> None:
    hook.answer = TAKEN[service]

    (sent,) = send(ADDRESSES[service], "night failed", BODY)

    assert sent.problem is None
    ((path, content),) = hook.received
    assert path.startswith(f"/{service}")
    assert "磁盘已满" in str(content) and "night failed" in str(content)


@pytest.mark.parametrize("service", ADDRESSES)
def test_a_message_that_is_refused_with_http_200_is_not_delivered(hook: Webhook, service: str) -> None:
    hook.answer = REFUSED[service]

    (sent,) = send(ADDRESSES[service], "night failed", BODY)

    assert hook.received
    assert sent.problem
    if service == "wecom":
        assert sent == Sent("WeCom Bot", "refused with code 93000: invalid webhook url")


def test_an_answer_that_is_not_the_services_own_is_no_delivery(hook: Webhook) -> None:
    """A gateway's log-in page comes with HTTP 200 too."""
    hook.answer = b"<html>please log in</html>"

    (sent,) = send(ADDRESSES["wecom"], "night failed", BODY)

    assert sent.problem == "an answer that is not the service's own (HTTP 200)"


def test_every_address_is_tried_and_none_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook(b'{"code": 7}') as good, webhook(status=500) as broken:
        addresses = [
            f"json://user:{KEY}@127.0.0.1:{broken.port}/",
            f"nosuch://{KEY}",
            f"json://127.0.0.1:1/{KEY}",
            f"json://user:{KEY}@127.0.0.1:{good.port}/{KEY}",
        ]
        sent = send(" ".join(addresses), "night failed", BODY)

        assert [one.problem for one in sent] == [
            "not delivered (HTTP 500)",
            "apprise does not know this kind of address, or it is incomplete",
            "not delivered (no answer)",
            None,
        ]
        # A webhook of one's own may call its fields as it likes.
        assert good.received[0][1]["message"] == BODY
    assert KEY not in caplog.text + str(sent)


def test_a_long_text_is_cut_to_what_every_service_takes(hook: Webhook) -> None:
    hook.answer = TAKEN["wecom"]

    (sent,) = send(ADDRESSES["wecom"], "夜间批次失败", "错误 " * 2000)

    assert sent.problem is None
    ((_, content),) = hook.received
    assert MAX_BYTES - 50 <= len(content["text"]["content"].encode()) <= 2048
