"""A run as a Prefect flow: one task a batch, so that a night has a few dozen tasks and not tens of thousands.

Only this module imports Prefect. `pipeline.prefect_setup.configure` should come before it is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

if TYPE_CHECKING:
    from pipeline.nightly import Nightly


@task(name="process_batch", task_run_name="{name}", cache_policy=NO_CACHE)
def process_batch(nightly: Nightly, number: int, name: str) -> int:
    """Work off one batch; gives the number of its results."""
    return nightly.work(number)


@flow(name="process_inbox", validate_parameters=False)
def process_inbox(inbox: str, nightly: Nightly | None = None) -> int:
    """Evaluate what is new in an inbox; gives the number of results.

    Called with the folder alone (from a schedule), it takes the settings of the working directory and the environment,
    and writes the report too.

    Args:
        inbox: the folder.
        nightly: a run that was planned already; the caller finishes it.
    """
    from pipeline.nightly import Nightly
    from pipeline.settings import load_settings

    planned = nightly or Nightly(Path(inbox), load_settings())
    results = sum(process_batch(planned, number, batch.name) for number, batch in enumerate(planned.batches))
    if nightly is None:
        planned.finish()
    return results
