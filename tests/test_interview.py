"""Questions to a language model: a real server on this machine answers well, badly, late, or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.batch import Batch, evaluate
from pipeline.conversation import Agent, Channel, Conversation, Verdict
from pipeline.errors import SettingsError
from pipeline.flagging import flag
from pipeline.interview import Interviewer, questions_of
from pipeline.scorecard import Scorecard
from pipeline.scoring import score
from pipeline.settings import Settings, load_settings
from pipeline.settings_tables import Question
from pipeline.store.records import Result
from pipeline.workshop import Workshop
from tests.cards import card
from tests.dialogues import talk
from tests.loopback import PATIENCE

TEXT = "客户: 快递三天没动了\n坐席: 刚查到，是配送站漏扫了一次，货没有丢"
ASKS = """\
  - id: cause
    title: 说明原因
    section: s
    points: 5
    question: {ask: 坐席有没有说明问题出在哪里？, by: agent}"""
Respond = Callable[[BaseHTTPRequestHandler, int], None]


@dataclass
class Service:
    """A language model service: what it was sent, and how it responds to the n-th request."""

    respond: Respond
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def completion(content: str, usage: tuple[int, int] | None = (100, 20)) -> bytes:
    body: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return json.dumps(body).encode()


def says(answer: str, quote: str = "", reason: str = "有依据", usage: tuple[int, int] | None = (100, 20)) -> Respond:
    content = json.dumps({"answer": answer, "quote": quote, "reason": reason}, ensure_ascii=False)
    return lambda request, _: send(request, 200, completion(content, usage))


def fails(*statuses: int, then: Respond | None = None) -> Respond:
    """Fails with these statuses in turn, then responds."""

    def respond(request: BaseHTTPRequestHandler, number: int) -> None:
        if number < len(statuses) or then is None:
            send(request, statuses[min(number, len(statuses) - 1)], b"{}", Retry_After="0")
        else:
            then(request, number)

    return respond


@contextmanager
def serving(respond: Respond, *, version: str = "HTTP/1.0") -> Iterator[Service]:
    service = Service(respond)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = version

        def do_POST(self) -> None:
            number = len(service.bodies)
            service.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            service.keys.append(self.headers.get("Authorization"))
            assert self.path == "/v1/chat/completions"
            try:
                service.respond(self, number)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def finish(self) -> None:
            super().finish()
            service.ended.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(url: str, **question: Any) -> Settings:
    asking = {"endpoint": url, "model": "little", "parallel": 1, **question}
    return load_settings().model_copy(update={"question": Question(**asking)})


def asked(service: Service, scorecard: Scorecard, *conversations: Conversation, **question: Any) -> list[Conversation]:
    interviewer = Interviewer(settings(service.url, **question), pause=0.0)
    return list(interviewer.answered(conversations or (talk(TEXT),), lambda _: scorecard))


def verdict(conversation: Conversation, scorecard: Scorecard) -> tuple[Verdict, str]:
    finding = score(conversation, scorecard, engine_version="test").findings[0]
    return finding.verdict, finding.why.key.removeprefix("criteria.question.")


def told(respond: Respond, folder: Path, **question: Any) -> tuple[Verdict, str]:
    scorecard = card(folder, ASKS)
    with serving(respond) as service:
        (answered,) = asked(service, scorecard, **question)
    return verdict(answered, scorecard)


def test_an_answer_with_its_quote_is_a_verdict_with_evidence(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS)
    with serving(says("yes", "是配送站漏扫了一次", "说明了漏扫")) as service:
        (answered,) = asked(service, scorecard)
    finding = score(answered, scorecard, engine_version="test").findings[0]
    assert (finding.verdict, finding.points) == (Verdict.MET, 5)
    assert [(e.turn, e.quote) for e in finding.evidence] == [(1, "是配送站漏扫了一次")]
    assert finding.why.args["said"] == "说明了漏扫"


@pytest.mark.parametrize(
    ("respond", "expected"),
    [
        (says("yes", "是配送站，漏扫了一次。"), (Verdict.MET, "answered")),
        (says("no", "货没有丢"), (Verdict.UNMET, "answered")),
        (says("no"), (Verdict.UNMET, "unquoted")),
        (says("yes", "是仓库发错了货"), (Verdict.UNSURE, "wrong_quote")),
        (says("yes", "快递三天没动了"), (Verdict.UNSURE, "wrong_quote")),
        (says("no", "我们不负责"), (Verdict.UNSURE, "wrong_quote")),
        (says("yes"), (Verdict.UNSURE, "no_quote")),
        (says("yes", "，。"), (Verdict.UNSURE, "wrong_quote")),
        (says("unclear"), (Verdict.UNSURE, "unclear")),
        (says("maybe", "货没有丢"), (Verdict.UNSURE, "bad_reply")),
        (lambda r, _: send(r, 200, completion("我觉得是的")), (Verdict.UNSURE, "bad_reply")),
        (lambda r, _: send(r, 200, completion('{"answer": "yes"}')), (Verdict.UNSURE, "bad_reply")),
        (
            lambda r, _: send(r, 200, completion('{"answer": 1, "quote": "", "reason": ""}')),
            (Verdict.UNSURE, "bad_reply"),
        ),
        (lambda r, _: send(r, 200, b"<html>"), (Verdict.UNSURE, "bad_reply")),
        (lambda r, _: send(r, 200, b'{"choices": []}'), (Verdict.UNSURE, "bad_reply")),
        (lambda r, _: send(r, 200, b"[" * 2_000_000), (Verdict.UNSURE, "bad_reply")),
        (lambda r, _: send(r, 302, b"", Location="http://127.0.0.1:1/"), (Verdict.UNSURE, "failed")),
        (fails(400), (Verdict.UNSURE, "failed")),
        (fails(500), (Verdict.UNSURE, "failed")),
        (fails(429), (Verdict.UNSURE, "busy")),
        (fails(429, 500, then=says("yes", "货没有丢")), (Verdict.MET, "answered")),
    ],
)
def test_what_an_answer_is_worth(tmp_path: Path, respond: Respond, expected: tuple[Verdict, str]) -> None:
    assert told(respond, tmp_path) == expected


@pytest.mark.parametrize(("statuses", "tries"), [((500,), 3), ((429,), 3), ((400,), 1), ((401,), 1)])
def test_it_is_tried_again_only_where_that_can_help(tmp_path: Path, statuses: tuple[int, ...], tries: int) -> None:
    with serving(fails(*statuses)) as service:
        asked(service, card(tmp_path, ASKS))
    assert len(service.bodies) == tries


def slow(request: BaseHTTPRequestHandler, _: int) -> None:
    time.sleep(0.4)
    send(request, 200, b"{}")


def dripping(request: BaseHTTPRequestHandler, _: int) -> None:
    request.send_response(200)
    request.end_headers()
    for _number in range(10):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("respond", [slow, dripping])
def test_a_service_that_takes_too_long_leaves_it_open(tmp_path: Path, respond: Respond) -> None:
    assert told(respond, tmp_path, timeout=0.15, attempts=1) == (Verdict.UNSURE, "timeout")


def test_a_service_that_is_not_there_leaves_it_open(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        service = Service(says("yes"), url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        (answered,) = asked(service, scorecard)
    assert verdict(answered, scorecard) == (Verdict.UNSURE, "unreachable")


@pytest.mark.parametrize(("status", "requests"), [(401, 1), (503, 5)])
def test_a_run_gives_up_on_a_service_that_never_answers(tmp_path: Path, status: int, requests: int) -> None:
    many = [talk(f"{TEXT}\n客户: 那还要{n}天吗", interaction_id=f"C{n}") for n in range(20)]
    scorecard = card(tmp_path, ASKS)
    with serving(fails(status)) as service:
        answered = asked(service, scorecard, *many, attempts=1)
    assert {verdict(one, scorecard) for one in answered} == {(Verdict.UNSURE, "failed")}
    assert len(service.bodies) == requests


def test_the_same_question_about_the_same_words_is_asked_once(tmp_path: Path) -> None:
    first = card(tmp_path, ASKS)
    with serving(says("yes", "货没有丢")) as service:
        asked(service, first)
        stricter = card(tmp_path, ASKS.replace("points: 5", "points: 9"))
        (again,) = asked(service, stricter)
        assert len(service.bodies) == 1
        asked(service, stricter, talk(TEXT.replace("三天", "四天")))
        asked(service, stricter, model="large")
        asked(service, card(tmp_path, ASKS.replace("哪里", "哪儿")))
    assert verdict(again, stricter) == (Verdict.MET, "answered")
    assert len(service.bodies) == 4


def test_failures_are_not_kept(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS)
    with serving(fails(500, 500, 500, then=says("yes", "货没有丢"))) as service:
        first, second = (asked(service, scorecard)[0] for _ in range(2))
    assert verdict(first, scorecard)[0] is Verdict.UNSURE
    assert verdict(second, scorecard)[0] is Verdict.MET


def test_known_answers_need_no_service(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS)
    with serving(says("yes", "货没有丢")) as service:
        asked(service, scorecard)
        interviewer = Interviewer(settings(service.url))
    other = talk("客户: 喂\n坐席: 您好")
    known, new = interviewer.answered((talk(TEXT), other), lambda _: scorecard, ask=False)
    assert verdict(known, scorecard) == (Verdict.MET, "answered")
    assert verdict(new, scorecard) == (Verdict.UNSURE, "not_asked")


def test_a_connection_lasts_for_a_run_and_no_longer(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS)
    with serving(says("yes", "货没有丢"), version="HTTP/1.1") as service:
        interviewer = Interviewer(settings(service.url))
        for number in range(2):
            interviewer.answered([talk(f"{TEXT}\n客户: 那还要{number}天吗")], lambda _: scorecard)
        assert (len(service.bodies), service.ended.is_set()) == (2, False)
        del interviewer
        assert service.ended.wait(PATIENCE)


@pytest.mark.parametrize("usage", [(300_000, 0), None])
def test_a_run_stops_asking_at_its_cost_limit(tmp_path: Path, usage: tuple[int, int] | None) -> None:
    many = [talk(f"{TEXT}\n客户: 那还要{n}天吗", interaction_id=f"C{n}") for n in range(4)]
    scorecard = card(tmp_path, ASKS)
    with serving(says("yes", "货没有丢", usage=usage)) as service:
        interviewer = Interviewer(settings(service.url, price_in=2.0, price_out=1000.0, cost_cap=1.6), pause=0.0)
        answered = interviewer.answered(many, lambda _: scorecard)
    verdicts = [verdict(one, scorecard) for one in answered]
    assert verdicts == [(Verdict.MET, "answered")] * len(service.bodies) + [(Verdict.UNSURE, "cost_cap")] * (
        4 - len(service.bodies)
    )
    assert 0 < len(service.bodies) < 4
    assert interviewer.spent <= 1.6


def test_only_redacted_words_leave(tmp_path: Path) -> None:
    private = talk(
        "客户: 我叫李雷，电话是幺三八，一二三四，五六七八\n"
        "坐席: 李先生您好，我是小赵，订单 AB12345678 已退 500 元到尾号 6688 的卡\n"
        "客户: 邮箱 li.lei@example.com，车牌京A12345，我住在建国路88号2单元301室"
    )
    agent = replace(private, interaction=replace(private.interaction, agent=Agent("1024", "小赵")))
    with serving(says("yes", "订单〔订单号〕已退500元")) as service:
        (answered,) = asked(service, card(tmp_path, ASKS), agent)
    sent = json.dumps(service.bodies, ensure_ascii=False)
    for secret in ("李雷", "幺三八", "一二三四", "小赵", "12345", "6688", "example.com", "京A", "301"):
        assert secret not in sent
    assert "500 元" in sent
    kept = "".join(path.read_text(encoding="utf-8") for path in load_settings().answers.rglob("*.json"))
    assert "〔订单号〕" in kept
    assert "AB12345678" not in kept
    finding = score(answered, card(tmp_path, ASKS), engine_version="test").findings[0]
    assert [place.quote for place in finding.evidence] == ["订单 AB12345678 已退 500 元"]


def test_the_answer_is_bound_to_a_schema_and_the_key_goes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_QUESTION_KEY", "s3cret")
    with serving(says("yes", "货没有丢")) as service:
        monkeypatch.setenv("ZHIJIAN_QUESTION_ENDPOINT", service.url)
        monkeypatch.setenv("ZHIJIAN_QUESTION_MODEL", "little")
        loaded = load_settings()
        Interviewer(loaded).answered([talk(TEXT)], lambda _: card(tmp_path, ASKS))
    (body,) = service.bodies
    wanted = body["response_format"]["json_schema"]
    assert (body["model"], body["temperature"], wanted["strict"]) == ("little", 0, True)
    assert wanted["schema"]["properties"]["answer"]["enum"] == ["yes", "no", "unclear"]
    assert service.keys == ["Bearer s3cret"]
    assert "s3cret" not in repr(loaded)


def test_a_key_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "zhijian.toml"
    file.write_text('[question]\nkey = "s3cret"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"Z503.*zhijian.toml:2.*ZHIJIAN_QUESTION_KEY") as refused:
        load_settings(file)
    assert "s3cret" not in str(refused.value)


def test_an_endpoint_needs_a_model() -> None:
    with pytest.raises(SettingsError, match=r"Z540.*question\.model"):
        Interviewer(settings("http://127.0.0.1:9/v1", model=""))


SCALE = ASKS.replace(
    "{ask: 坐席有没有说明问题出在哪里？, by: agent}", "{ask: 坐席解释得清楚吗？, scale: 1..5, above: 3}"
)


@pytest.mark.parametrize(
    ("answer", "quote", "expected"),
    [
        ("4", "是配送站漏扫了一次", Verdict.MET),
        ("3", "是配送站漏扫了一次", Verdict.UNMET),
        ("3", "", Verdict.UNSURE),
        ("6", "是配送站漏扫了一次", Verdict.UNSURE),
    ],
)
def test_a_step_of_a_scale_is_held_against_limits(tmp_path: Path, answer: str, quote: str, expected: Verdict) -> None:
    scorecard = card(tmp_path, SCALE)
    with serving(says(answer, quote)) as service:
        (answered,) = asked(service, scorecard)
    assert verdict(answered, scorecard)[0] is expected


def test_a_window_narrows_what_is_shown(tmp_path: Path) -> None:
    narrow = ASKS.replace("by: agent}", "by: agent, window: {turns: 2..3}}")
    text = "坐席: 您好\n客户: 快递没动\n坐席: 我查一下\n客户: 嗯\n坐席: 漏扫了\n客户: 那赔吗\n坐席: 再见"
    with serving(says("yes", "漏扫了")) as service:
        asked(service, card(tmp_path, narrow), talk(text))
    shown = service.bodies[0]["messages"][1]["content"].split("对话：\n")[1]
    assert shown == "3 坐席：我查一下\n4 客户：嗯\n5 坐席：漏扫了"


def test_an_answer_within_a_sequence_must_lie_where_it_is_due(tmp_path: Path) -> None:
    sequence = """\
  - id: cause
    title: 说明原因
    section: s
    points: 5
    sequence:
      after: {phrase: {any: [没动], by: customer}}
      expect: {question: {ask: 坐席有没有说明问题出在哪里？, by: agent}}
      within: 1 turn"""
    scorecard = card(tmp_path, sequence)
    text = "客户: 快递没动\n坐席: 您稍等\n客户: 好\n坐席: 是配送站漏扫了"
    for quote, expected in (("是配送站漏扫了", Verdict.UNMET), ("您稍等", Verdict.MET)):
        with serving(says("yes", quote)) as service:
            (answered,) = asked(service, scorecard, talk(text), model=quote)
        assert verdict(answered, scorecard)[0] is expected


def test_questions_are_off_by_default(tmp_path: Path) -> None:
    assert Workshop(load_settings()).interviewer is None
    scorecard = card(tmp_path, ASKS)
    assert verdict(talk(TEXT), scorecard) == (Verdict.NOT_APPLICABLE, "off")


def test_questions_of_conditions_and_flag_rules_are_asked_too(tmp_path: Path) -> None:
    top = (
        "conditions: {sincere: {question: 坐席的语气真诚吗？}}\n"
        "flag: [{id: x, when: {question: 需要主管看吗？}, priority: 1}]"
    )
    scorecard = card(tmp_path, ASKS.replace("by: agent}", "by: agent}\n    applies_when: sincere"), top=top)
    assert [one.ask for one in questions_of(scorecard)] == [
        "坐席有没有说明问题出在哪里？", "坐席的语气真诚吗？", "需要主管看吗？"
    ]  # fmt: skip


def test_what_the_model_did_not_answer_is_not_told_as_unheard(tmp_path: Path) -> None:
    scorecard = card(tmp_path, ASKS, top="flag: [{unsure: true, priority: 0.4}]")
    with serving(says("yes", "是仓库发错了货")) as service:
        (answered,) = asked(service, scorecard)
    evaluation = score(answered, scorecard, engine_version="test")
    assert flag(evaluation, answered, scorecard).reasons == ("unanswered:cause",)


def test_a_batch_asks_before_it_scores_and_names_the_model(tmp_path: Path) -> None:
    card(tmp_path, ASKS)
    interaction = replace(talk(TEXT).interaction, channel=Channel.CHAT)
    with serving(fails(500, 500, 500, then=says("yes", "货没有丢"))) as service:
        workshop = Workshop(settings(service.url, attempts=3), scorecard=str(tmp_path / "card.yaml"))
        failed, answered = (evaluate(Batch((interaction,)), workshop)[0] for _ in range(2))
    assert isinstance(failed, Result)
    assert isinstance(answered, Result)
    assert failed.evaluation.findings[0].verdict is Verdict.UNSURE
    assert failed.evaluation.models["question"] == "little@unanswered"
    assert answered.evaluation.findings[0].verdict is Verdict.MET
    assert answered.evaluation.models["question"] == workshop.models(interaction)["question"]
