import hashlib
from pathlib import Path

import pytest

from models import registry
from models.asr.engine import REQUIRED_FILES
from models.registry import AbsentModelError, FetchError, FileProblem, KnownModel, UnknownModelError


def model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in (*REQUIRED_FILES, "vocabulary.json"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_the_manifest_knows_what_the_recogniser_needs() -> None:
    assert set(registry.manifest().required) == set(REQUIRED_FILES)


def test_every_model_is_either_shipped_or_can_be_fetched() -> None:
    for model in registry.manifest().models.values():
        assert (model.path is None) != (model.repo is None)
        assert model.licence
        assert set(model.title) == {"zh", "en"}


def test_a_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "mine")
    assert registry.locate(str(folder), tmp_path / "models") == folder


def test_a_known_name_is_found_where_it_was_fetched_to(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "belle-large-v3-zh")
    assert registry.locate("belle-large-v3-zh", tmp_path) == folder


def test_shipped_is_the_model_in_the_package() -> None:
    model = registry.find("shipped")
    assert model.name == "zhijian-asr-zh-small"
    assert registry.folder_of(model, Path("elsewhere")).parts[-3:] == ("models", "asr", "weights")


def test_a_known_model_that_is_not_here_is_told_apart_from_an_unknown_one(tmp_path: Path) -> None:
    with pytest.raises(AbsentModelError) as absent:
        registry.locate("large-v3", tmp_path)
    assert absent.value.folder == tmp_path / "large-v3"
    with pytest.raises(UnknownModelError) as unknown:
        registry.locate("larg-v3", tmp_path)
    assert "large-v3" in unknown.value.known


def test_a_whole_model_has_no_problems(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    right = hashlib.sha256(b"model.bin").hexdigest()
    assert registry.check(folder, {"model.bin": right}) == ()


def test_missing_and_changed_files_are_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    (folder / "vocabulary.json").unlink()
    assert registry.check(folder, {"model.bin": "0" * 64}) == (
        FileProblem("tokenizer.json", missing=True),
        FileProblem("vocabulary.json", missing=True),
        FileProblem("model.bin", missing=False),
    )


def test_fetching_without_network_says_what_failed(tmp_path: Path) -> None:
    # tests/conftest.py sets HF_HUB_OFFLINE, so that no test ever asks the network.
    with pytest.raises(FetchError) as failed:
        registry.fetch(registry.find("large-v3"), tmp_path)
    assert failed.value.folder == tmp_path / "large-v3"
    assert failed.value.detail


def test_a_model_that_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "large-v3")
    assert registry.fetch(registry.find("large-v3"), tmp_path) == folder


def test_the_shipped_weights_are_those_of_the_manifest() -> None:
    model: KnownModel = registry.find("shipped")
    assert registry.check(registry.folder_of(model, Path()), model.sha256) == ()
    assert "model.bin" in model.sha256
