"""The Jinja environment of the pages writes what Jinja's own does."""

from __future__ import annotations

import jinja2
import pytest
from markupsafe import Markup

from pipeline.reports.quick import QuickEnvironment

PAGE = """
{% macro quoted(text, by="客户") %}<q title="{{ text }}">{{ text }}</q> {{ by }}{% endmacro %}
{% for one in values %}{{ loop.index }}: {{ one }} {{ quoted(one, by=loop.last) }} {{ made(one) }} {{ one | upper }}
{% endfor %}{% for one in "ab" %}{{ made(one) }}{{ one | safe }}{% endfor %}
"""


class Shown:
    def __html__(self) -> str:
        return "<i>斜</i>"

    def __str__(self) -> str:
        return "<b>"


@pytest.mark.parametrize("value", ["a & b", "<b>", "'\"", "您好", "", 3, 2.5, None, True, Markup("<b>粗</b>"), Shown()])
def test_what_stands_in_a_page_is_escaped_as_ever(value: object) -> None:
    told = {"values": [value, "<script>"], "made": lambda one: f"<{one}>"}
    plain, quick = (kind(autoescape=True) for kind in (jinja2.Environment, QuickEnvironment))
    assert quick.from_string(PAGE).render(told) == plain.from_string(PAGE).render(told)


def test_a_name_that_is_not_there_is_a_mistake() -> None:
    pages = QuickEnvironment(autoescape=True, undefined=jinja2.StrictUndefined)
    with pytest.raises(AttributeError):
        pages.from_string("{{ text.nothing }}").render(text="您好")
    with pytest.raises(jinja2.UndefinedError):
        pages.from_string("{{ nothing }}").render()
