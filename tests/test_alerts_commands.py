"""`zhijian alerts list`, `test` and `send`."""

import json

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from tests.loopback import web

RUNNER = CliRunner()


def said(*words: str) -> tuple[int, str]:
    done = RUNNER.invoke(app, ["alerts", *words])
    return done.exit_code, done.output


def test_a_trial_reaches_every_receiver_and_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    with web((200, json.dumps({"errcode": 0}))) as server:
        monkeypatch.setenv("ZHIJIAN_ALERTS_WEBHOOK", server.url)
        monkeypatch.setenv("ZHIJIAN_ALERTS_WECOM", f"{server.url}?key=geheim")
        code, told = said("test")
        assert (code, told.count("已发出"), len(server.got)) == (0, 2, 2)
        assert "发出 2 条，待发 0 条，被拒 0 条，不确定 0 条。" in told
        said("test")
        assert len(server.got) == 4
    code, told = said("list", "--limit", "3")
    assert (code, told.count("质检提醒测试")) == (0, 3)
    assert "geheim" not in told


def test_a_trial_that_is_refused_is_told_and_can_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with web((403, "")) as server:
        monkeypatch.setenv("ZHIJIAN_ALERTS_WEBHOOK", server.url)
        code, told = said("test")
        assert (code, "被拒收" in told, "HTTP 403" in told) == (1, True, True)
        server.answers[:] = [(200, "")]
        assert said("send")[0] == 0
        assert said("send") == (0, "发出 0 条，待发 0 条，被拒 0 条，不确定 0 条。\n")
    assert len(server.got) == 2


def test_without_receivers_it_says_where_to_read_on() -> None:
    code, told = said("test")
    assert (code, "docs/alerts.md" in told) == (1, True)
    assert said("list") == (0, "还没有发过提醒。\n")
