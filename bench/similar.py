"""Which likeness of wording tells the same meaning from another best: `python -m bench.similar`.

Two sets. `bench/paraphrases.yaml`: two examples each, sentences that mean the same, sentences that only look alike (the
negatives, besides the paraphrases of all other examples). The reader's written turns: ten turns of one act as examples,
fifty others of it against three hundred turns of other acts, the mean over twelve acts. AUC is the probability that a
sentence that belongs scores above one that does not.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from pipeline.criteria.likeness import likeness, plain

Likeness: TypeAlias = Callable[[str, str], float]
PARAPHRASES = Path(__file__).parent / "paraphrases.yaml"
ACTS = (
    "hold", "hold_thanks", "anything_else", "satisfaction_check", "identity_request", "route", "thanks", "wish",
    "promise_vague", "over_promise", "empathy", "shirking",
)  # fmt: skip


def dice(one: str, other: str, sizes: tuple[int, ...]) -> float:
    """Dice coefficient of the character n-grams of the given sizes."""
    first, second = (Counter(text[i : i + n] for n in sizes for i in range(len(text) - n + 1)) for text in (one, other))
    return 2 * (first & second).total() / max(1, first.total() + second.total())


def methods() -> Mapping[str, Likeness]:
    """What is compared, by name."""
    from rapidfuzz import fuzz

    return {
        "zhijian": likeness,
        "rapidfuzz ratio": lambda a, b: fuzz.ratio(a, b) / 100,
        "rapidfuzz partial_ratio": lambda a, b: fuzz.partial_ratio(a, b) / 100,
        "characters (Dice)": lambda a, b: dice(a, b, (1,)),
        "pairs (Dice)": lambda a, b: dice(a, b, (2,)),
        "characters and pairs (Dice)": lambda a, b: dice(a, b, (1, 2)),
    }


def auc(belongs: Sequence[float], others: Sequence[float]) -> float:
    """Probability that one of `belongs` is above one of `others`; ties count half."""
    above = sum((x > y) + 0.5 * (x == y) for x in belongs for y in others)
    return above / (len(belongs) * len(others))


def best_f1(belongs: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """The best F1 and the threshold, in steps of 0.01, that reaches it."""

    def f1(least: float) -> float:
        right, wrong = sum(x >= least for x in belongs), sum(x >= least for x in others)
        return 2 * right / (right + wrong + len(belongs))

    return max((f1(step / 100), step / 100) for step in range(20, 96))


def on_paraphrases(method: Likeness) -> tuple[float, float, float, float]:
    """AUC against look-alikes, AUC against all negatives, best F1 and its threshold."""
    import yaml

    sets = yaml.safe_load(PARAPHRASES.read_text(encoding="utf-8"))
    same: list[float] = []
    alike: list[float] = []
    far: list[float] = []
    for one in sets:
        examples = [plain(example) for example in one["examples"]]

        def best(text: str, examples: list[str] = examples) -> float:
            return max(method(example, plain(text)) for example in examples)

        same += map(best, one["same"])
        alike += map(best, one["other"])
        far += [best(text) for other in sets if other is not one for text in other["same"]]
    return auc(same, alike), auc(same, alike + far), *best_f1(same, alike + far)


def turns() -> list[tuple[str, str]]:
    """Agent turns of one sentence and one act, in their matching form."""
    from models.utterance.training.data import expand, load

    rng = random.Random(1)  # noqa: S311
    found = []
    for dialogue in load():
        for turn in dialogue.turns:
            if turn.role != "agent":
                continue
            parts = [part for part in re.split(r"[。！？!?；;\n]+", expand(turn.pattern, rng)) if len(plain(part)) >= 4]
            if len(parts) == 1 and len(turn.acts) == 1:
                found.append((plain(parts[0]), next(iter(turn.acts))))
    return found


def on_acts(method: Likeness, sentences: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Mean AUC over the acts, and mean recall where 2 % of the other acts' turns are taken by mistake."""
    rng = random.Random(2)  # noqa: S311
    areas, recalls = [], []
    for act in ACTS:
        own = [text for text, name in sentences if name == act]
        if len(own) < 30:
            continue
        rng.shuffle(own)
        examples, rest = own[:10], own[10:60]
        others = rng.sample([text for text, name in sentences if name != act], 300)
        belongs, strange = ([max(method(e, text) for e in examples) for text in texts] for texts in (rest, others))
        areas.append(auc(belongs, strange))
        limit = sorted(strange)[-6]
        recalls.append(sum(score > limit for score in belongs) / len(belongs))
    return sum(areas) / len(areas), sum(recalls) / len(recalls)


def main() -> None:
    """Print one line a method."""
    sentences = turns()
    print("| likeness | AUC look-alikes | AUC all | best F1 | at | AUC acts | recall at 2 % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, method in methods().items():
        near, far, f1, limit = on_paraphrases(method)
        area, recall = on_acts(method, sentences)
        print(f"| {name} | {near:.3f} | {far:.3f} | {f1:.3f} | {limit:.2f} | {area:.3f} | {recall:.2f} |")


if __name__ == "__main__":
    main()
