"""Which frames a known text was heard in."""

from __future__ import annotations

import torch

from models.asr.training.align import align

A, B, BLANK = 0, 1, 2


def logits_of(frames: list[int], doubt: float = 6.0) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(frames), 3).float()[None] * doubt


def test_each_sound_is_found_where_it_was_heard() -> None:
    places = align(logits_of([BLANK, A, A, BLANK, B, BLANK]), torch.tensor([6]), [[A, B]])
    assert places.tolist() == [[-1, 0, 0, -1, 1, -1]]


def test_a_sound_said_twice_needs_a_pause_between() -> None:
    places = align(logits_of([A, BLANK, A, A]), torch.tensor([4]), [[A, A]])
    assert places.tolist() == [[0, -1, 1, 1]]


def test_a_misheard_sound_still_gets_its_place() -> None:
    places = align(logits_of([A, BLANK, A, BLANK, B]), torch.tensor([5]), [[A, B, B]])
    assert places.tolist() == [[0, -1, 1, -1, 2]]


def test_what_does_not_fit_has_no_place() -> None:
    assert align(logits_of([A, A]), torch.tensor([2]), [[A, B, A]]).tolist() == [[-1, -1]]


def test_rows_of_a_batch_do_not_disturb_each_other() -> None:
    both = torch.cat([logits_of([A, BLANK, B, BLANK]), logits_of([B, BLANK, BLANK, A])])
    places = align(both, torch.tensor([4, 2]), [[A, B], [B]])
    assert places.tolist() == [[0, -1, 1, -1], [0, -1, -1, -1]]


def test_silence_belongs_to_nothing() -> None:
    assert align(logits_of([BLANK, BLANK]), torch.tensor([2]), [[]]).tolist() == [[-1, -1]]
