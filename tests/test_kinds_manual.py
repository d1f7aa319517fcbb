"""Every kind has its manual page in both languages, and its two dialogues do what the page says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from pipeline.conversation import Conversation
from pipeline.criteria import KINDS
from pipeline.criteria.base import Outcome, State
from pipeline.manual import FILES, manual, page, pages, write
from pipeline.reader_models import open_reader
from pipeline.reading import read
from pipeline.scorecard import dialogue, load_scorecard
from pipeline.scoring import context_for
from pipeline.settings import load_settings

ROOT = Path(__file__).parents[1]
CARD = """\
id: manual
version: "1"
title: 手册
pass: 60
criteria:
  - {{id: greeting, title: 问候, section: s, points: 1, phrase: [您好]}}
  - id: it
    title: 项目
    section: s
    points: 1
{operator}
"""


@cache
def reader() -> object:
    return open_reader(load_settings())


def with_readings(conversation: Conversation) -> Conversation:
    return read([conversation], reader=reader())[0]  # type: ignore[arg-type]


def outcome(folder: Path, yaml: str, text: str) -> Outcome:
    """What the operator says of the dialogue; read by the real reader only where it needs that."""
    path = folder / "card.yaml"
    operator = "\n".join(f"    {line}" for line in yaml.splitlines())
    path.write_text(CARD.format(operator=operator), encoding="utf-8")
    card = load_scorecard(path)

    def said(conversation: Conversation) -> Outcome:
        context = context_for(card, conversation)
        return card.criterion("it").expression.plan(conversation, context)

    unread = said(dialogue(text))
    return said(dialogue(text, reader=with_readings)) if unread.needs_reader else unread


@pytest.mark.parametrize("name", KINDS)
def test_dialogues_of_a_page_do_what_it_says(name: str, tmp_path: Path) -> None:
    shown = page(name, KINDS[name].manual)
    assert outcome(tmp_path, shown.yaml, shown.met).state is State.YES
    assert outcome(tmp_path, shown.yaml, shown.unmet).state is State.NO


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_is_told_in_both_languages(name: str) -> None:
    shown = page(name, KINDS[name].manual)
    parameters = [field.alias or key for key, field in KINDS[name].params.model_fields.items()]
    for text in (shown.text["en"], shown.text["zh"]):
        assert [parameter for parameter in parameters if f"`{parameter}" not in text] == []


def test_every_kind_has_a_page() -> None:
    assert [one.name for one in pages()] == list(KINDS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n中文：", "\n"),
        ("\nEnglish:", "\n"),
        ("```met", "```"),
        ("```unmet", "```"),
        (" / ", " "),
        ("channel: ", "chanel: "),
    ],
)
def test_a_docstring_that_lacks_a_part_is_refused(old: str, new: str) -> None:
    whole = KINDS["channel"].manual
    with pytest.raises(ValueError, match="the docstring of the kind channel is no manual page"):
        page("channel", whole.replace(old, new, 1))


def test_line_breaks_leave_no_trace_in_chinese() -> None:
    text = """it: holds. / 成立。

English: `a` is
it.

中文：默认
1 次，`a`
写在`b`里，用 Python
写法，共
两行。

```yaml
it: 1
```

```met
坐席: 好
```

```unmet
坐席: 不
```
"""
    shown = page("it", text)
    assert shown.text == {"en": "`a` is it.", "zh": "默认 1 次，`a` 写在 `b` 里，用 Python 写法，共两行。"}


@pytest.mark.parametrize("language", FILES)
def test_the_manual_is_up_to_date(language: str, tmp_path: Path) -> None:
    write(tmp_path)
    name = FILES[language]  # type: ignore[index]
    assert (ROOT / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8"), "run `make docs`"
    assert manual(language).count("\n## ") == len(KINDS)  # type: ignore[arg-type]
