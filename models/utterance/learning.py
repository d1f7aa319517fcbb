"""How far to trust encoder and lexicons for each act, fitted anew to what people decided. No torch: a few Newton steps.

An act's probability is the logistic function of `weight · logit + trust · logit of the lexicons + lift`
(`training.export`). People's labels move these three, act by act; a penalty draws them towards the values that the
reader was shipped with, so that few labels move little. The encoder stays as it is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.utterance.acts import ACTS
from models.utterance.reader import Reader, odds_of
from models.utterance.records import Utterance

DRAW = (16.0, 36.0, 1.0)
"""How strongly weight, trust and lift are drawn towards their shipped values: those of the shipped fit itself."""
_STEPS = 50

Floats = NDArray[np.float64]
Setting = tuple[float, float, float]
Calibration = Mapping[str, Mapping[str, Setting]]
"""Weight, trust and lift by role and act."""


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of one turn: that one of `acts` at least is there, or that none is."""

    conversation: int
    turn: int
    acts: tuple[str, ...]
    there: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """One act that was fitted anew: how many turns with and without it, and its setting before and after."""

    role: str
    act: str
    there: int
    absent: int
    before: Setting
    after: Setting


def learn(reader: Reader, conversations: Sequence[Sequence[Utterance]], labels: Sequence[Label]) -> tuple[Learnt, ...]:
    """The acts that `labels` speak of, fitted anew.

    A label "one of these is there" is taken for the one that the shipped reader thinks likeliest in that turn.

    Args:
        reader: whose encoder and lexicons are used; where it was learnt itself, its shipped settings are the start.
        conversations: the turns that the labels point into.
        labels: what people decided.
    """
    origin = shipped_calibration(reader)
    examples: dict[tuple[str, str], dict[tuple[int, int, bool], tuple[float, float]]] = {}
    hearings = reader.encoder.hear(conversations)
    said = [reader.cues.read(turns) for turns in conversations]
    for label in labels:
        hearing = hearings[label.conversation][label.turn]
        role = conversations[label.conversation][label.turn].role
        if hearing is None:
            continue
        cues = said[label.conversation][label.turn].acts
        looks = {
            name: (float(hearing.acts[ACTS[role].index(name)]), odds_of(cues.get(name, 0.0)))
            for name in label.acts
            if name in ACTS[role]
        }
        if label.there and looks:
            likeliest = max(looks, key=lambda name: float(np.dot((*looks[name], 1.0), origin[role][name])))
            looks = {likeliest: looks[likeliest]}
        for name, look in looks.items():
            examples.setdefault((role, name), {})[label.conversation, label.turn, label.there] = look
    return tuple(_learnt(role, name, rows, origin[role][name]) for (role, name), rows in sorted(examples.items()))


def shipped_calibration(reader: Reader) -> Calibration:
    """The settings of all acts as they were before anything was learnt."""
    content = reader.encoder.calibration
    found: Calibration = content.get("origin", content["acts"])
    return found


def write(reader: Reader, learnt: Sequence[Learnt], out: Path) -> None:
    """Write a reader like `reader`, with the acts of `learnt` set anew, to the folder `out`.

    Raises:
        OSError: it cannot be written.
    """
    origin = shipped_calibration(reader)
    acts = {role: {name: list(setting) for name, setting in names.items()} for role, names in origin.items()}
    for one in learnt:
        acts[one.role][one.act] = [round(value, 4) for value in one.after]
    shutil.copytree(reader.encoder.folder, out, dirs_exist_ok=True)
    content = {**reader.encoder.calibration, "acts": acts, "origin": origin}
    (out / "reader.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _learnt(role: str, act: str, rows: Mapping[tuple[int, int, bool], tuple[float, float]], start: Setting) -> Learnt:
    seen = np.array([(*look, 1.0) for look in rows.values()])
    truth = np.array([float(there) for _, _, there in rows])
    weight, trust, lift = fit(seen, truth, np.array(start))
    count = int(truth.sum())
    before = (start[0], start[1], start[2])
    return Learnt(role, act, count, len(truth) - count, before, (float(weight), float(trust), float(lift)))


def fit(seen: Floats, truth: Floats, start: Floats, draw: Sequence[float] = DRAW) -> Floats:
    """Logistic regression drawn towards `start`, by Newton's method; weight and trust stay at least 0.

    Args:
        seen: `(n, 3)` logits of encoder and lexicons, and 1.
        truth: `(n,)` 0 or 1.
        start: `(3,)` weight, trust and lift.
        draw: penalty on the squared distance of each from `start`.

    Returns:
        Weight, trust and lift, `(3,)`.
    """
    values, free, pull = start.astype(np.float64), np.array([True, True, True]), np.asarray(draw)
    for _ in range(3):
        values = _newton(seen, truth, start, pull, values, free)
        below = free & (values < 0) & np.array([True, True, False])
        if not below.any():
            break
        values[below], free = 0.0, free & ~below
    return values


def _newton(
    seen: Floats, truth: Floats, start: Floats, pull: Floats, values: Floats, free: NDArray[np.bool_]
) -> Floats:
    def loss(at: Floats) -> float:
        guess = seen @ at
        return float((np.logaddexp(0.0, guess) - truth * guess).sum() + (pull * (at - start) ** 2).sum())

    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-np.clip(seen @ values, -30, 30)))
        slope = (seen.T @ (odds - truth) + 2 * pull * (values - start))[free]
        curve = (seen.T * (odds * (1 - odds))) @ seen + 2 * np.diag(pull)
        step = np.zeros(3)
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope)
        size = 1.0
        while size > 1e-6 and loss(values - size * step) > loss(values):
            size /= 2
        values = values - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    return values
