"""The learnt encoder of turns at run time: CTranslate2 (int8) beneath, the heads in numpy above.

A weights folder holds `model.bin`, `config.json`, `vocabulary.json` (CTranslate2), `vocab.txt` (`spelling.Spelling`),
`heads.npz` (see `training.export`) and `reader.json` (calibration). Turns of many conversations are read together,
sorted by length, so that little is padding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.utterance.acts import ACTS, AGENT_ACTS, GRADES
from models.utterance.records import Role, Utterance
from models.utterance.spelling import Spelled, Spelling

WEIGHTS = Path(__file__).parent / "weights"
_TOKENS_AT_ONCE = 1024
"""So many that what a layer makes of them stays in the cache of one core; each core has a batch of its own."""
_NEAR = 1.5
"""A character belongs to the evidence of an act where its own logit is at most so far below the strongest's."""

Floats = NDArray[np.float32]
_STEPS = {name: np.asarray(steps, np.float32) for name, steps in GRADES.items()}
_Said: TypeAlias = tuple[Role, Spelled]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the encoder makes of one turn.

    `acts` are logits over the role's acts, `grades` the probabilities of the steps of each grade, `vector` `(2d,)` the
    first token beside the mean of the turn's characters. `carriers` gives for an act the characters that carried it.
    """

    acts: Floats
    grades: MappingProxyType[str, Floats]
    vector: Floats
    every: Floats
    places: tuple[int, ...]

    def mean(self, grade: str) -> float:
        """The expected step of a grade."""
        return float(self.grades[grade] @ _STEPS[grade])

    def carriers(self, column: int) -> tuple[int, int]:
        """Offsets in the turn's text of the characters that carried the act in `column` (half-open)."""
        own = self.every[:, column]
        best = int(own.argmax())
        near = own >= own[best] - _NEAR
        first = last = best
        while first > 0 and near[max(0, first - 2) : first].any():
            first -= 1
        while last < len(own) - 1 and near[last + 1 : last + 3].any():
            last += 1
        return self.places[first], self.places[last] + 1


class TurnEncoder:
    """Reads turns in their context. Stateless: the same turns always read the same."""

    def __init__(self, folder: Path = WEIGHTS, *, threads: int = 2) -> None:
        self.folder = folder
        self._threads = threads
        self.spelling = Spelling.load(folder / "vocab.txt")
        with np.load(folder / "heads.npz") as heads:
            self._heads = {name: heads[name].astype(np.float32) for name in heads.files}
        self.calibration: dict[str, Any] = json.loads((folder / "reader.json").read_text(encoding="utf-8"))

    @cached_property
    def _engines(self) -> tuple[Any, ...]:
        """One a thread: an engine of several threads ends the process where there is no memory for the second."""
        import ctranslate2

        return tuple(
            ctranslate2.Encoder(str(self.folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)
            for _ in range(self._threads)
        )

    def hear(self, conversations: Sequence[Sequence[Utterance]]) -> list[list[Hearing | None]]:
        """One hearing a turn, `None` for turns of nobody that is read (bots, the system, unknown speakers).

        What was said in the same words after the same words (greetings, stock sentences) is read once.
        """
        found: list[list[Hearing | None]] = [[None] * len(turns) for turns in conversations]
        places: dict[_Said, list[tuple[int, int]]] = {}
        for row, turns in enumerate(conversations):
            for place, turn in enumerate(turns):
                if turn.role != "other" and turn.text.strip():
                    spelled = self.spelling.spell(turn.role, turn.text, turns[:place])
                    places.setdefault((turn.role, spelled), []).append((row, place))
        batches = list(_batches(sorted(places, key=lambda said: len(said[1].tokens))))
        shares = [batches[first :: self._threads] for first in range(self._threads)]
        with ThreadPoolExecutor(self._threads) as cores:
            for share, heard in zip(shares, cores.map(self._hear_share, self._engines, shares), strict=True):
                for said, one in zip(chain.from_iterable(share), heard, strict=True):
                    for row, place in places[said]:
                        found[row][place] = one
        return found

    def _hear_share(self, engine: Any, batches: Sequence[Sequence[_Said]]) -> list[Hearing]:
        return [one for batch in batches for one in self._hear(engine, batch)]

    def _hear(self, engine: Any, batch: Sequence[_Said]) -> list[Hearing]:
        output = engine.forward_batch(
            [list(spelled.tokens) for _, spelled in batch],
            token_type_ids=[list(spelled.segments) for _, spelled in batch],
        )
        frames = np.array(output.last_hidden_state, dtype=np.float32)
        heads = self._heads
        counts = [max(1, len(spelled.places)) for _, spelled in batch]
        own = np.concatenate(
            [frames[i, s.first : s.first + n] for i, ((_, s), n) in enumerate(zip(batch, counts, strict=True))]
        )
        every = own @ heads["acts_weight"].T + heads["acts_bias"]
        starts = np.cumsum([0, *counts[:-1]])
        acts = np.logaddexp.reduceat(every, starts, axis=0)
        means = np.add.reduceat(own, starts, axis=0) / np.asarray(counts, np.float32)[:, None]
        vectors = np.concatenate([frames[:, 0], means], axis=1)
        steps = vectors @ heads["grades_weight"].T + heads["grades_bias"]
        results = []
        for i, (role, spelled) in enumerate(batch):
            begin, end = _columns(role)
            results.append(
                Hearing(
                    acts[i, begin:end],
                    self._grades(steps[i]),
                    vectors[i],
                    every[starts[i] : starts[i] + counts[i], begin:end],
                    spelled.places or (0,),
                )
            )
        return results

    def _grades(self, steps: Floats) -> MappingProxyType[str, Floats]:
        result, at = {}, 0
        for name, values in GRADES.items():
            scaled = steps[at : at + len(values)] / self.calibration["temperatures"].get(name, 1.0)
            odds = np.exp(scaled - scaled.max())
            result[name] = (odds / odds.sum()).astype(np.float32)
            at += len(values)
        return MappingProxyType(result)


def _batches(waiting: Sequence[_Said]) -> Iterator[Sequence[_Said]]:
    """Turns of one length, so many at once that they stay below `_TOKENS_AT_ONCE`; at least one.

    Beside longer ones a turn would be padded, and sums over padding are rounded otherwise: what is read in a turn would
    depend, in the last digits, on what else is read.
    """
    for length, alike in groupby(waiting, key=lambda said: len(said[1].tokens)):
        some = list(alike)
        count = max(1, _TOKENS_AT_ONCE // length)
        yield from (some[first : first + count] for first in range(0, len(some), count))


def _columns(role: Role) -> tuple[int, int]:
    return (0, len(AGENT_ACTS)) if role == "agent" else (len(AGENT_ACTS), len(AGENT_ACTS) + len(ACTS["customer"]))
