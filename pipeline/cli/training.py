"""`zhijian models train`: a reader from labelled data, on our own encoder or on a pre-trained one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipeline.cli.console import messages, results
from pipeline.errors import SettingsError
from pipeline.i18n import t
from pipeline.settings import Settings

_NEEDED = ("torch", "transformers")


def train(
    out: Path, settings: Settings, *, base: str | None, outside: Path | None, data: Path | None, minutes: float
) -> int:
    """Train a reader and write it to `out`; gives the exit status.

    Raises:
        SettingsError: Z533 the packages for training are not installed, Z534 `base` is no usable encoder, Z535 a folder
            of data is not there, wrong or too small.
    """
    language = settings.language
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        what = t(language, "training.no_packages", names=", ".join(missing))
        raise SettingsError("Z533", what, hint=t(language, "training.no_packages_hint"))
    for folder in (outside, data):
        if folder is not None and not folder.is_dir():
            what = t(language, "training.no_folder")
            raise SettingsError("Z535", what, where=str(folder), hint=t(language, "training.data_hint"))
    from models.utterance.training.base import BaseError, find_base
    from models.utterance.training.data import DATA, DataError
    from models.utterance.training.recipe import Recipe, Step, follow

    def tell(step: Step) -> None:
        messages().print(t(language, f"training.step.{step}", minutes=f"{minutes:g}"), markup=False)

    try:
        recipe = Recipe(
            out=out,
            work=settings.home / "training",
            base=None if base is None else find_base(base),
            outside=outside,
            data=data or DATA,
            minutes=minutes,
        )
        follow(recipe, tell)
    except BaseError as error:
        what = t(language, f"training.base.{error.fault}", base=error.base, detail=error.detail)
        raise SettingsError("Z534", what, where="--base", hint=t(language, "training.base_hint")) from error
    except DataError as error:
        what = t(language, "training.data", detail=str(error))
        raise SettingsError("Z535", what, where=str(data or ""), hint=t(language, "training.data_hint")) from error
    results().print(t(language, "training.done", folder=out), markup=False, soft_wrap=True)
    return 0
