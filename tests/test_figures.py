"""Charts are written as plain JSON: Plotly's own objects, which look at every property, must take each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from plotly.graph_objects import Figure as Checked

from pipeline.reports.figure import Figure
from pipeline.reports.html import write_report
from tests.night_material import plain_night
from tests.report_nights import night
from tests.test_night_page import tonight, written


def charts(text: str) -> dict[str, dict[str, object]]:
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', text, re.DOTALL)
    return {name: json.loads(content) for name, content in found}


def taken(figure: dict[str, object]) -> dict[str, object]:
    """The figure as Plotly gives it back, which raises a `ValueError` for what it does not know."""
    made: dict[str, object] = json.loads(Checked(figure).to_json())
    return made


def test_every_chart_of_a_report_is_one_for_plotly(tmp_path: Path) -> None:
    pages = write_report(night(), tmp_path).parent.rglob("*.html")
    found = [(name, figure) for page in pages for name, figure in charts(page.read_text("utf-8")).items()]
    assert {name for name, _ in found} >= {"chart-distribution", "chart-losses", "chart-mood", "chart-trend"}
    assert {name for name, _ in found} >= {"chart-intervals", "chart-heatmap", "chart-criteria"}
    for name, figure in found:
        assert taken(figure) == figure, name


def test_every_chart_of_a_night_is_one_for_plotly(tmp_path: Path) -> None:
    found = charts(written(tmp_path, tonight(), [plain_night(run) for run in range(8, 0, -1)]))
    assert set(found) == {"chart-volume", "chart-quality", "chart-faults", "chart-cost"}
    for name, figure in found.items():
        assert taken(figure) == figure, name


def test_lines_across_and_upright_are_what_plotly_draws() -> None:
    line = {"color": "var(--muted)", "dash": "dot", "width": 1.5}
    ours, plotly = Figure(), Checked(layout={"template": "none"})
    ours.level(61.5, line, "全体平均 61.5", size=12)
    ours.upright(0, line)
    about = {"text": "全体平均 61.5", "font": {"size": 12}}
    plotly.add_hline(y=61.5, line=line, annotation=about, annotation_position="bottom right")
    plotly.add_vline(x=0, line=line)
    drawn, wanted = json.loads(ours.json())["layout"], json.loads(plotly.to_json())["layout"]
    assert {name: drawn[name] for name in wanted} == wanted


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_a_gap(value: float) -> None:
    figure = Figure()
    figure.add("scatter", y=[1.0, value, 2.0])
    assert json.loads(figure.json())["data"][0]["y"] == [1.0, None, 2.0]


def test_a_text_cannot_end_the_script_that_it_stands_in() -> None:
    figure = Figure()
    figure.add("bar", name="</script><b>")
    assert "</" not in figure.json()
    assert json.loads(figure.json())["data"][0]["name"] == "</script><b>"
