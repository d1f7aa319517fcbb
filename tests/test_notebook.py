"""The notebook runs from beginning to end on the shipped samples, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "01-quick-start.ipynb"


@pytest.fixture(scope="module")
def executed() -> NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    return client.execute()


def test_the_notebook_shows_scores_evidence_and_a_comparison(executed: NotebookNode) -> None:
    text = _shown(executed)
    assert "3 个文件未能处理" in text
    assert "| T20251013-0101 | 林静 |" in text
    assert "句：" in text
    assert "周明：" in text
    assert "陈涛：" in text


def test_the_notebook_draws_a_chart(executed: NotebookNode) -> None:
    charts = [
        output.data["application/vnd.plotly.v1+json"]
        for cell in executed.cells
        for output in cell.get("outputs", ())
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert [trace["name"] for trace in charts[0]["data"]] == ["周明", "陈涛"]


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [cell.source for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []


def _shown(notebook: NotebookNode) -> str:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/markdown", "")) for o in outputs)
