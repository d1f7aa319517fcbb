"""The digest by which stores and their backups are held to be the same, whatever order their rows are in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest(tables: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, dict[str, int]]:
    """`sha256:…` of all rows, and how many there are in each table.

    Args:
        tables: names in alphabetical order, each with its rows as text, in any order.
    """
    whole = hashlib.sha256()
    counts: dict[str, int] = {}
    for name, rows in tables:
        total = count = 0
        for row in rows:
            total += int.from_bytes(hashlib.sha256(row.encode("utf-8", "surrogatepass")).digest(), "big")
            count += 1
        # A sum does not depend on the order, which differs with the language of a database.
        whole.update(f"{name} {count} {total % 2**256:x}\n".encode())
        counts[name] = count
    return f"sha256:{whole.hexdigest()}", counts
