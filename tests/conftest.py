"""Every test gets an environment of its own: no settings from outside, a fresh home, no network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import Server, fresh, server

if TYPE_CHECKING:
    from pipeline.settings import Settings

os.environ.update(HF_HUB_OFFLINE="1", DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("ZHIJIAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ZHIJIAN_HOME", str(tmp_path_factory.mktemp("home")))
    # Tests write their inbox a moment before it is taken in.
    monkeypatch.setenv("ZHIJIAN_RUN_SETTLED_SECONDS", "0")


@pytest.fixture
def settings() -> Settings:
    """The settings as shipped, in the fresh home."""
    from pipeline.settings import load_settings

    return load_settings()


@pytest.fixture(scope="session")
def tiny_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader on a tiny encoder, trained once; it knows next to nothing."""
    from tests.readers import trained

    return trained(tmp_path_factory.mktemp("reader"))


@pytest.fixture
def write_json() -> Callable[[Path, object], Path]:
    def write(path: Path, content: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, started for the first test that asks for it."""
    with server() as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """The URL of an empty database."""
    return fresh(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/zhijian.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url
