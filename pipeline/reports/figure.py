"""A chart for Plotly as its JSON says it: traces and a layout, put together as plain dicts.

Plotly's own figure objects look at every property again and again, which would take ten times as long as all else of an
agent's page. What is written here must be valid all the same: a test hands it to those objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CLEAR = "rgba(0,0,0,0)"
_BARE = {"data": {"scatter": [{"type": "scatter"}]}}
"""Plotly's template "none"."""


class Figure:
    """Lets the page shine through. What is given later for the same property of the layout counts."""

    def __init__(self) -> None:
        self._traces: list[dict[str, Any]] = []
        self._layout: dict[str, Any] = {"paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR, "template": _BARE}

    def add(self, kind: str, **properties: Any) -> None:
        """Add a trace: `bar`, `scatter`, `scatterpolar` or `heatmap`."""
        self._traces.append({**properties, "type": kind})

    def layout(self, **properties: Any) -> None:
        """Set properties of the layout."""
        self._layout.update(properties)

    def x_axis(self, *, title: str | None = None, **properties: Any) -> None:
        """Set properties of the axis from left to right."""
        self._axis("xaxis", title, properties)

    def y_axis(self, *, title: str | None = None, **properties: Any) -> None:
        """Set properties of the axis upwards."""
        self._axis("yaxis", title, properties)

    def level(self, y: float, line: Mapping[str, Any], text: str, *, size: int) -> None:
        """Draw a line from left to right at the height `y`, with a text under its right end."""
        across = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y, "line": line}
        place = {"xref": "x domain", "x": 1, "xanchor": "right", "yref": "y", "y": y, "yanchor": "top"}
        self._layout.setdefault("shapes", []).append(across)
        told = {"text": text, "font": {"size": size}, "showarrow": False, **place}
        self._layout.setdefault("annotations", []).append(told)

    def upright(self, x: float, line: Mapping[str, Any]) -> None:
        """Draw a line from bottom to top at `x`."""
        along = {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1, "line": line}
        self._layout.setdefault("shapes", []).append(along)

    def json(self) -> str:
        """The figure as JSON that may stand in a page."""
        from pydantic_core import to_json

        whole = {"data": self._traces, "layout": self._layout}
        return to_json(whole, inf_nan_mode="null").decode().replace("</", "<\\/")

    def _axis(self, name: str, title: str | None, properties: Mapping[str, Any]) -> None:
        named = {} if title is None else {"title": {"text": title}}
        self._layout.setdefault(name, {}).update({**named, **properties})
