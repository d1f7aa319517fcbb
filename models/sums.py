"""The same sums wherever they are worked out."""

from __future__ import annotations


def steady_sums() -> None:
    """Let numpy's linear algebra work in one thread from now on, in the whole process.

    Several threads part a product among them and round otherwise, so that the times of words that were heard would
    differ by hundredths of a second between machines, and between workers of one night. What takes long is not done
    there: CTranslate2 has threads of its own, and its sums do not go by their number.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")
