"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from pipeline.whole_file import write_whole


def test_a_file_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "页.html"
    for text in ("旧\n", "新\n"):
        write_whole(page, text)
    assert page.read_bytes() == "新\n".encode()
    assert list(tmp_path.iterdir()) == [page]


def test_what_another_writer_has_not_finished_is_left_to_it(tmp_path: Path) -> None:
    theirs = tmp_path / "page.html.part"
    theirs.write_text("一半")
    write_whole(tmp_path / "page.html", "全部")
    assert theirs.read_text() == "一半"


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "page.html" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"page\.html"):
        write_whole(tmp_path / "page.html", "写不下")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
