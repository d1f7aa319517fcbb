"""Sums do not go by the threads that a machine has."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from models.sums import steady_sums


def test_linear_algebra_has_one_thread_from_then_on() -> None:
    assert np.eye(2).trace() == 2
    threadpool_limits(limits=2, user_api="blas")
    steady_sums()
    assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
