"""Messages on their way to real servers on this machine."""

import base64
import email
import email.policy
import hashlib
import hmac
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from pipeline.alerts.deliver import Delivered, deliver
from pipeline.alerts.receivers import Kind, Receiver, receivers
from pipeline.alerts.robots import WECOM_BYTES, request_of
from pipeline.errors import SettingsError
from pipeline.settings import Settings, load_settings
from pipeline.store import open_store
from pipeline.store.database import Store
from pipeline.store.records import Letter, LetterState, Message
from tests.loopback import FLOOD, HANG, Box, certificate, mail, web

NOW = datetime(2026, 1, 6, 3, 12, tzinfo=UTC)
MESSAGE = Message("night:12", "warning", "质检夜报：1 项需要关注", ("投诉风险指数 27。",), "/srv/n.html", NOW)
OK = (200, '{"errcode": 0, "errmsg": "ok"}')


@pytest.fixture
def settings() -> Settings:
    return configured()


def configured(**alerts: object) -> Settings:
    loaded = load_settings()
    more = {"backoff": 0.0, "timeout": 30.0, "smtp_security": "none", **alerts}
    return loaded.model_copy(update={"alerts": loaded.alerts.model_copy(update=more)})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media) as opened:
        yield opened


def sent_to(receiver: Receiver, store: Store, settings: Settings, **more: object) -> Delivered:
    store.put_message(MESSAGE, [receiver.name])
    return deliver(store, [receiver], settings, **more)  # type: ignore[arg-type]


def robot(kind: Kind, url: str, secret: str = "") -> Receiver:
    return Receiver(kind, url, secret, "127.0.0.1")


def states(store: Store) -> list[tuple[str, int, int]]:
    return [(letter.state.value, letter.tries, letter.doubts) for letter in store.letters()]


# Web requests


@pytest.mark.parametrize(
    ("kind", "told"), [(Kind.WEBHOOK, Delivered(sent=1)), (Kind.WECOM, Delivered(unknown=1))], ids=["webhook", "wecom"]
)
def test_an_answer_without_end_is_not_waited_for(kind: Kind, told: Delivered, store: Store, settings: Settings) -> None:
    with web((FLOOD, "好")) as server:
        assert sent_to(robot(kind, server.url), store, settings, attempts=2) == told


def test_generic_json_is_signed_over_time_stamp_and_body(store: Store, settings: Settings) -> None:
    with web() as server:
        assert sent_to(robot(Kind.WEBHOOK, server.url, "geheim"), store, settings) == Delivered(sent=1)
    (got,) = server.got
    stamp = got.headers["x-zhijian-timestamp"]
    by_hand = hmac.new(b"geheim", stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-zhijian-signature"] == f"sha256={by_hand}"
    assert abs(int(stamp) - time.time()) < 3600
    assert got.headers["idempotency-key"] == got.json["key"]
    assert {key: got.json[key] for key in ("kind", "title", "lines", "report", "repetition")} == {
        "kind": "warning",
        "title": "质检夜报：1 项需要关注",
        "lines": ["投诉风险指数 27。"],
        "report": "/srv/n.html",
        "repetition": False,
    }


def test_without_a_secret_nothing_is_signed(store: Store, settings: Settings) -> None:
    with web() as server:
        sent_to(robot(Kind.WEBHOOK, server.url), store, settings)
    assert "x-zhijian-signature" not in server.got[0].headers


def test_wecom_gets_markdown(store: Store, settings: Settings) -> None:
    with web(OK) as server:
        assert sent_to(robot(Kind.WECOM, f"{server.url}?key=k"), store, settings) == Delivered(sent=1)
    (got,) = server.got
    assert got.path == "/hook?key=k"
    assert got.json["msgtype"] == "markdown"
    content = got.json["markdown"]["content"].split("\n")
    assert content[:3] == ["**质检夜报：1 项需要关注**", "投诉风险指数 27。", "详情：/srv/n.html"]
    assert content[3].startswith("消息编号 ")


def test_dingtalk_is_signed_in_the_address(store: Store, settings: Settings) -> None:
    with web(OK) as server:
        assert sent_to(robot(Kind.DINGTALK, f"{server.url}?access_token=t", "SECx"), store, settings).sent == 1
    (got,) = server.got
    query = parse_qs(urlsplit(got.path).query)
    (stamp,), (sign,) = query["timestamp"], query["sign"]
    by_hand = hmac.new(b"SECx", f"{stamp}\nSECx".encode(), hashlib.sha256).digest()
    assert (query["access_token"], len(stamp), base64.b64decode(sign)) == (["t"], 13, by_hand)
    assert got.json["markdown"]["title"] == "质检夜报：1 项需要关注"


def test_feishu_is_signed_in_the_body(store: Store, settings: Settings) -> None:
    with web((200, '{"code": 0}')) as server:
        assert sent_to(robot(Kind.FEISHU, server.url, "s"), store, settings).sent == 1
    content = server.got[0].json
    by_hand = hmac.new(f"{content['timestamp']}\ns".encode(), b"", hashlib.sha256).digest()
    assert base64.b64decode(str(content["sign"])) == by_hand
    assert content["msg_type"] == "post"
    post = content["content"]["post"]["zh_cn"]
    assert post["content"][0] == [{"tag": "text", "text": "投诉风险指数 27。"}]


def letter(*lines: str, doubts: int = 0) -> Letter:
    message = Message("a", "night", "标题", lines, "", NOW)
    return Letter(1, "k" * 64, "wecom:1", message, LetterState.SENDING, doubts, 1, NOW, "")


def test_wecom_gets_no_more_than_it_takes(settings: Settings) -> None:
    made = request_of(letter(*["很长的一行。" * 20] * 40), robot(Kind.WECOM, "http://x/"), settings, NOW)
    import json

    content = json.loads(made.body)["markdown"]["content"]
    assert WECOM_BYTES - 400 < len(content.encode()) <= WECOM_BYTES
    assert content.endswith("…")


def test_names_cannot_become_links_or_fonts(settings: Settings) -> None:
    made = request_of(letter("队列“<font>*[x](http://y)”"), robot(Kind.DINGTALK, "http://x/"), settings, NOW)
    assert "<" not in made.body.decode()
    assert "[x]" not in made.body.decode()


def test_a_server_that_fails_twice_gets_the_message_the_third_time(store: Store, settings: Settings) -> None:
    with web((503, ""), (429, ""), (200, "")) as server:
        assert sent_to(robot(Kind.WEBHOOK, server.url), store, settings) == Delivered(sent=1)
    assert len({got.body for got in server.got}) == 1
    assert len(server.got) == 3
    assert states(store) == [("sent", 3, 0)]


def test_pauses_get_twice_as_long(store: Store) -> None:
    pauses: list[float] = []
    with web((503, "")) as server:
        settings = configured(backoff=2.0, attempts=4)
        done = sent_to(robot(Kind.WEBHOOK, server.url), store, settings, pause=pauses.append)
    assert (done, pauses) == (Delivered(waiting=1), [2.0, 4.0, 8.0])
    assert states(store) == [("waiting", 4, 0)]


@pytest.mark.parametrize(
    ("kind", "answer", "problem"),
    [
        (Kind.WEBHOOK, (404, ""), "HTTP 404"),
        (Kind.WEBHOOK, (302, ""), "HTTP 302"),
        (Kind.WECOM, (200, '{"errcode": 93000}'), "wecom 93000"),
        (Kind.DINGTALK, (200, '{"errcode": 310000}'), "dingtalk 310000"),
        (Kind.FEISHU, (200, '{"code": 19021}'), "feishu 19021"),
    ],
)
def test_what_is_refused_is_not_tried_again(
    store: Store,
    settings: Settings,
    kind: Kind,
    answer: tuple[int, str],
    problem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with web(answer) as server, caplog.at_level(logging.CRITICAL, logger="pipeline"):
        receiver = robot(kind, server.url)
        assert sent_to(receiver, store, settings) == Delivered(refused=1)
        assert deliver(store, [receiver], settings) == Delivered()
        assert len(server.got) == 1
        assert store.letters()[0].problem == problem
        server.answers[:] = [OK if kind is not Kind.FEISHU else (200, '{"code": 0}')]
        assert deliver(store, [receiver], settings, again=True) == Delivered(sent=1)


@pytest.mark.parametrize(
    ("kind", "busy"),
    [(Kind.WECOM, '{"errcode": 45009}'), (Kind.DINGTALK, '{"errcode": 130101}'), (Kind.FEISHU, '{"code": 11232}')],
)
def test_a_robot_that_is_busy_is_tried_again(store: Store, settings: Settings, kind: Kind, busy: str) -> None:
    done = '{"code": 0}' if kind is Kind.FEISHU else OK[1]
    with web((200, busy), (200, done)) as server:
        assert sent_to(robot(kind, server.url), store, settings) == Delivered(sent=1)
    assert len(server.got) == 2


def test_a_server_that_is_not_there_leaves_the_message_waiting(store: Store, settings: Settings) -> None:
    with web() as server:
        pass
    receiver = robot(Kind.WEBHOOK, server.url)
    assert sent_to(receiver, store, settings) == Delivered(waiting=1)
    assert states(store) == [("waiting", settings.alerts.attempts, 0)]


def test_without_an_answer_it_is_sent_once_more_and_then_never_again(store: Store) -> None:
    settings = configured(timeout=0.3)
    with web((HANG, "")) as server:
        receiver = robot(Kind.WEBHOOK, server.url)
        assert sent_to(receiver, store, settings) == Delivered(unknown=1)
        assert deliver(store, [receiver], settings, again=True) == Delivered()
    assert [got.json["repetition"] for got in server.got] == [False, True]
    assert len({got.json["key"] for got in server.got}) == 1
    assert states(store) == [("unknown", 2, 2)]


def test_one_dead_receiver_does_not_hold_up_the_others(store: Store) -> None:
    settings = configured(attempts=2)
    with web() as gone:
        pass
    with web() as alive:
        dead, good = robot(Kind.WEBHOOK, gone.url), robot(Kind.WEBHOOK, alive.url)
        for number in range(3):
            store.put_message(Message(f"n{number}", "night", "t", (), "", NOW), [dead.name, good.name])
        assert deliver(store, [dead, good], settings) == Delivered(sent=3, waiting=3)
    assert sorted(letter.tries for letter in store.letters() if letter.receiver == dead.name) == [0, 0, 2]


# Mail


def mailbox(address: str = "quality@example.com") -> Receiver:
    return Receiver(Kind.MAIL, address, shown="q…@example.com")


def text_of(box: Box) -> tuple[email.message.EmailMessage, str]:
    content = box.got[-1].content
    assert isinstance(content, bytes)
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found, found.get_content()


def test_mail_says_the_same_and_carries_the_key(store: Store) -> None:
    with mail() as box:
        settings = configured(smtp_port=box.port, mail_from="zhijian@example.com")
        assert sent_to(mailbox(), store, settings) == Delivered(sent=1)
    found, text = text_of(box)
    key = store.letters()[0].key
    assert (found["Subject"], found["To"]) == ("质检夜报：1 项需要关注", "quality@example.com")
    assert found["Message-ID"] == f"<{key}@zhijian.invalid>"
    assert found["Date"] == "Tue, 06 Jan 2026 11:12:00 +0800"
    assert text.splitlines() == ["投诉风险指数 27。", "详情：/srv/n.html", f"消息编号 {key[:12]}"]


def test_mail_is_encrypted_and_the_password_comes_from_the_environment(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("ZHIJIAN_ALERTS_SMTP_PASSWORD", "geheim")
    with mail(tls=context, login=("zhijian", "geheim")) as box:
        settings = configured(smtp_port=box.port, smtp_security="starttls", smtp_ca=str(trusted), smtp_user="zhijian")
        assert sent_to(mailbox(), store, settings) == Delivered(sent=1)
    assert len(box.got) == 1


def test_a_wrong_password_is_refused(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context, trusted = certificate(tmp_path)
    with mail(tls=context, login=("zhijian", "geheim")) as box, caplog.at_level(logging.CRITICAL):
        settings = configured(
            smtp_port=box.port,
            smtp_security="starttls",
            smtp_ca=str(trusted),
            smtp_user="zhijian",
            smtp_password=SecretStr("falsch"),
        )
        assert sent_to(mailbox(), store, settings) == Delivered(refused=1)
    assert store.letters()[0].problem == "SMTP 535"


def test_an_unknown_certificate_is_refused(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context, _ = certificate(tmp_path)
    with mail(tls=context) as box, caplog.at_level(logging.CRITICAL):
        settings = configured(smtp_port=box.port, smtp_security="starttls")
        assert sent_to(mailbox(), store, settings) == Delivered(refused=1)
    assert box.got == []


def test_a_server_without_encryption_gets_nothing_where_it_is_demanded(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with mail() as box, caplog.at_level(logging.CRITICAL):
        settings = configured(smtp_port=box.port, smtp_security="starttls")
        assert sent_to(mailbox(), store, settings) == Delivered(refused=1)
    assert box.got == []


def test_mail_that_fails_twice_arrives_the_third_time(store: Store) -> None:
    with mail("451 try again", "452 full", "250 OK") as box:
        assert sent_to(mailbox(), store, configured(smtp_port=box.port)) == Delivered(sent=1)
    assert len(box.got) == 3


def test_mail_that_is_refused_is_not_sent_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with mail("550 no") as box, caplog.at_level(logging.CRITICAL):
        assert sent_to(mailbox(), store, configured(smtp_port=box.port)) == Delivered(refused=1)
    assert len(box.got) == 1
    assert store.letters()[0].problem == "SMTP 550"


def test_mail_without_an_answer_is_sent_once_more_and_then_never_again(store: Store) -> None:
    with mail("HANG") as box:
        settings = configured(smtp_port=box.port, timeout=0.5)
        assert sent_to(mailbox(), store, settings) == Delivered(unknown=1)
    assert len(box.got) == 2
    assert "这条可能是重复的" in text_of(box)[1]


# Never twice


def test_the_same_alert_is_put_once(store: Store, settings: Settings) -> None:
    with web() as server:
        receiver = robot(Kind.WEBHOOK, server.url)
        assert sent_to(receiver, store, settings).sent == 1
        assert sent_to(receiver, store, settings) == Delivered()
    assert len(server.got) == 1


def test_a_subject_is_told_once(store: Store) -> None:
    first = Message("g1", "grave", "t", (), "", NOW, subjects=("a", "b"))
    second = Message("g2", "grave", "t", (), "", NOW, subjects=("b", "c"))
    third = Message("g3", "grave", "t", (), "", NOW, subjects=("a", "c"))
    assert [store.put_message(message, ["mail:1"]) for message in (first, second, third)] == [("a", "b"), ("c",), ()]
    assert store.untold_subjects({"a", "c", "d"}) == {"d"}
    assert len(store.letters()) == 2


def test_a_message_that_is_being_sent_is_left_alone(store: Store, settings: Settings) -> None:
    with web() as server:
        receiver = robot(Kind.WEBHOOK, server.url)
        store.put_message(MESSAGE, [receiver.name])
        assert store.claim_letter(1) is not None
        assert store.claim_letter(1) is None
        assert deliver(store, [receiver], settings) == Delivered()
    assert server.got == []


KILLED = """
import sys
from pathlib import Path
from pipeline.alerts.deliver import deliver
from pipeline.alerts.receivers import Kind, Receiver
from pipeline.settings import load_settings
from pipeline.store import open_store
settings = load_settings()
with open_store(settings.store_url, media=settings.media) as store:
    deliver(store, [Receiver(Kind.WEBHOOK, sys.argv[1], "", "x")], settings)
"""


def killed_while_sending(url: str, arrived: list[object], number: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, url])
    while len(arrived) < number and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()


def test_killed_between_sending_and_marking_it_is_sent_once_more_at_most(store: Store, settings: Settings) -> None:
    with web((HANG, ""), (200, "")) as server:
        receiver = robot(Kind.WEBHOOK, server.url)
        store.put_message(MESSAGE, [receiver.name])
        killed_while_sending(server.url, server.got, 1)  # type: ignore[arg-type]
        assert states(store) == [("sending", 1, 1)]
        assert deliver(store, [receiver], settings) == Delivered(sent=1)
        assert deliver(store, [receiver], settings, again=True) == Delivered()
    assert [got.json["repetition"] for got in server.got] == [False, True]
    assert len({got.headers["idempotency-key"] for got in server.got}) == 1


def test_killed_twice_it_is_never_sent_again(store: Store, settings: Settings) -> None:
    with web((HANG, "")) as server:
        receiver = robot(Kind.WEBHOOK, server.url)
        store.put_message(MESSAGE, [receiver.name])
        for number in (1, 2):
            killed_while_sending(server.url, server.got, number)  # type: ignore[arg-type]
        assert deliver(store, [receiver], settings, again=True) == Delivered()
        assert len(server.got) == 2
    assert states(store)[0][0] == "unknown"


# Receivers


def test_receivers_come_from_the_environment_each_with_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_ALERTS_MAIL_TO", "a@example.com, b@example.com a@example.com")
    monkeypatch.setenv(
        "ZHIJIAN_ALERTS_DINGTALK", "https://oapi.example.com/send?access_token=t#SEC1 http://x.example/#S2"
    )
    found = receivers(load_settings())
    assert [(one.kind.value, one.address, one.secret, one.shown) for one in found] == [
        ("mail", "a@example.com", "", "a…@example.com"),
        ("mail", "b@example.com", "", "b…@example.com"),
        ("dingtalk", "https://oapi.example.com/send?access_token=t", "SEC1", "oapi.example.com"),
        ("dingtalk", "http://x.example/", "S2", "x.example"),
    ]


def test_the_name_and_the_shown_form_of_a_receiver_hold_no_key() -> None:
    receiver = robot(Kind.WECOM, "https://x.example/send?key=very-secret", "also")
    assert "secret" not in receiver.name + receiver.shown + repr(receiver)
    assert "also" not in repr(receiver)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAIL_TO", "nobody"), ("WECOM", "robot"), ("WEBHOOK", "ftp://x.example/"), ("FEISHU", "https:///x")],
)
def test_a_receiver_that_is_none_is_told_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ZHIJIAN_ALERTS_{name}", value)
    with pytest.raises(SettingsError, match="Z570") as failed:
        receivers(load_settings())
    assert value not in str(failed.value)
    assert f"ZHIJIAN_ALERTS_{name}" in str(failed.value)


def test_a_password_is_never_sent_in_the_open() -> None:
    with pytest.raises(SettingsError, match="Z570"):
        receivers(configured(mail_to="a@example.com", smtp_user="x", smtp_security="none"))


@pytest.mark.parametrize("key", ["smtp_password", "webhook", "wecom", "dingtalk", "feishu"])
def test_keys_in_the_settings_file_are_an_error(tmp_path: Path, key: str) -> None:
    file = tmp_path / "zhijian.toml"
    file.write_text(f'[alerts]\n{key} = "https://x.example/#geheim"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="Z503") as failed:
        load_settings(file)
    assert "geheim" not in str(failed.value)
