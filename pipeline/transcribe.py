"""Recording → turns: each channel is heard on its own, words are put in order of time, and turns are built from words.

Two real channels are two speakers. One channel, or two that carry the same sound, is split by voice. Which speaker is
the agent comes from the interaction (`channels`), else from the settings, else from what was said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipeline.conversation import Hearing, Interaction, Speaker, Turn, Word
from pipeline.errors import HearingError, InputError, SettingsError
from pipeline.i18n import Language, t
from pipeline.text import normalise
from pipeline.waveform import Waveform, waveform

if TYPE_CHECKING:
    from models.asr.engine import ChannelText, Device, Engine, ModelFilesError
    from models.audio import Samples, Sound
    from models.vad import Interval

logger = logging.getLogger(__name__)

PAUSE = 0.8
"""A pause of this many seconds ends a turn."""

GAP = 0.2
"""If the other side begins to speak in a gap of this many seconds between two words, the gap ends the turn."""

LEAST_GAP = 2.0
"""The sound in a gap without speech is measured from this many seconds on; shorter ones are pauses for breath."""

GROUP_SECONDS = 1800.0
"""Recordings are decoded and heard in groups of about this much sound, which bounds the memory."""

Progress: TypeAlias = Callable[[float], None]
"""Called now and then with the seconds of speech that were transcribed since the last call."""

Listen: TypeAlias = "Callable[[Path], Sound]"
"""Decodes a recording; raises `AudioError` or `InputError`."""

_CODES = {"missing": "Z301", "not_audio": "Z302", "no_audio_stream": "Z303", "empty": "Z304"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in one recording. `hearing` is `None` where the turns came as text."""

    turns: tuple[Turn, ...]
    hearing: Hearing | None


@dataclass(frozen=True, slots=True)
class _Ears:
    """One decoded recording: sound and speech of each channel to hear, and what is known so far."""

    interaction: Interaction
    channels: tuple[Samples, ...]
    speech: tuple[tuple[Interval, ...], ...]
    duration: float
    sample_rate: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words of one voice (a channel, or a voice within one) without a pause between them."""

    voice: int
    words: tuple[Word, ...]

    @property
    def start(self) -> float:
        """Start of the first word in seconds."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """End of the last word in seconds."""
        return self.words[-1].end

    @property
    def text(self) -> str:
        """The words together, as heard."""
        return "".join(word.text for word in self.words)


def open_engine(path: str | Path, *, threads: int = 0, device: Device = "cpu", language: Language = "zh") -> Engine:
    """Load the speech model in a directory; nothing is fetched.

    Raises:
        SettingsError: Z510 no such directory, Z511 a file is missing, Z512 the model cannot be used, Z513 there is no
            graphics card to compute on.
    """
    from models.asr.engine import ModelFilesError, NoDeviceError, load_engine

    try:
        return load_engine(path, threads=threads, device=device)
    except ModelFilesError as error:
        raise _unusable(error, language) from error
    except NoDeviceError as error:
        what = t(language, "hearing.no_card", detail=str(error))
        raise SettingsError("Z513", what, where="asr.device", hint=t(language, "hearing.no_card_hint")) from error


def engine_digest(path: str | Path, *, language: Language = "zh") -> str:
    """`sha256:…` of the speech model in a directory, which is not loaded for it.

    Raises:
        SettingsError: Z510 no such directory, Z511 a file is missing.
    """
    from models.asr.engine import ModelFilesError, files_digest

    try:
        return files_digest(Path(path))
    except ModelFilesError as error:
        raise _unusable(error, language) from error


def _unusable(error: ModelFilesError, language: Language) -> SettingsError:
    if error.missing:
        code, what = "Z511", t(language, "hearing.model_incomplete", files=", ".join(error.missing))
    elif not error.path.is_dir():
        code, what = "Z510", t(language, "hearing.model_missing")
    else:
        code, what = "Z512", t(language, "hearing.model_unusable", detail=error.detail)
    return SettingsError(code, what, where=str(error.path), hint=t(language, "hearing.model_hint"))


def transcribe(
    interaction: Interaction,
    *,
    engine: Engine,
    channels: Mapping[str, Speaker] | None = None,
    progress: Progress | None = None,
    language: Language = "zh",
) -> Heard:
    """Hear one recording. An interaction that came with turns keeps them.

    Args:
        interaction: with a `recording`.
        engine: the speech model.
        channels: who is on `left` and `right`, for interactions that do not say so themselves.
        progress: see `Progress`.
        language: of messages.

    Raises:
        HearingError: Z301 the file is missing, Z302 not audio, Z303 no sound track, Z304 a header without sound, Z305
            transcription failed, Z306 the interaction has no recording.
    """
    (heard,) = transcribe_many([interaction], engine=engine, channels=channels, progress=progress, language=language)
    if isinstance(heard, HearingError | InputError):
        raise heard
    return heard


def transcribe_many(
    interactions: Iterable[Interaction],
    *,
    engine: Engine,
    channels: Mapping[str, Speaker] | None = None,
    progress: Progress | None = None,
    listen: Listen | None = None,
    language: Language = "zh",
) -> Iterator[Heard | HearingError | InputError]:
    """Hear many recordings, each as if alone: one result an interaction, in order; errors are returned, not raised.

    Takes the arguments of `transcribe`. As many recordings as the engine has threads are decoded at the same moment,
    each as a whole: an hour of two channels takes 460 MB. `listen` decodes them, in threads; default
    `models.audio.decode`.
    """
    waiting: list[_Ears | Heard | HearingError | InputError] = []
    seconds = 0.0
    for listened in _listened(interactions, engine.threads, listen, language):
        waiting.append(listened)
        if isinstance(listened, _Ears):
            seconds += listened.duration * len(listened.channels)
        if seconds >= GROUP_SECONDS:
            yield from _finish(waiting, engine, channels, progress, language)
            waiting, seconds = [], 0.0
    yield from _finish(waiting, engine, channels, progress, language)


def _listened(
    interactions: Iterable[Interaction], threads: int, listen: Listen | None, language: Language
) -> Iterator[_Ears | Heard | HearingError | InputError]:
    """Decoded recordings in order, as many at the same moment as there are threads."""
    coming = iter(interactions)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        while batch := tuple(islice(coming, threads)):
            each = 1 if len(batch) > 1 else threads
            yield from pool.map(partial(_listen, threads=each, listen=listen, language=language), batch)


def _listen(
    interaction: Interaction, threads: int, listen: Listen | None, language: Language
) -> _Ears | Heard | HearingError | InputError:
    """Decode a recording and find the speech in it."""
    if interaction.turns:
        return Heard(interaction.turns, None)
    if interaction.recording is None:
        return _error("Z306", "no_recording", interaction.source, language, id=interaction.id)
    from models.audio import AudioError, decode, same_sound
    from models.vad import speech_by_channel

    try:
        sound = (listen or decode)(Path(interaction.recording))
    except AudioError as error:
        return _error(_CODES[error.fault], error.fault, interaction.recording, language)
    except InputError as error:
        return error
    heard, warnings = sound.channels, ["truncated"] if sound.truncated else []
    if len(heard) == 2 and same_sound(*heard):
        heard = (max(heard, key=lambda samples: float(samples @ samples)),)
        warnings.append("dual_mono")
    speech = speech_by_channel(heard, threads=threads)
    if len(heard) == 2:
        speech = _without_bleed(heard, speech, warnings)
    if not any(speech):
        warnings.append("no_speech")
    return _Ears(interaction, heard, tuple(speech), sound.duration, sound.sample_rate, tuple(warnings))


def _without_bleed(
    heard: Sequence[Samples], speech: list[tuple[Interval, ...]], warnings: list[str]
) -> list[tuple[Interval, ...]]:
    from models.speakers.bleed import without_bleed
    from models.vad import total

    genuine = [without_bleed(heard[k], speech[k], heard[1 - k], speech[1 - k]) for k in (0, 1)]
    if sum(map(total, genuine)) < sum(map(total, speech)) - 1.0:
        warnings.append("bleed_removed")
    return genuine


def _finish(
    waiting: Sequence[_Ears | Heard | HearingError | InputError],
    engine: Engine,
    channels: Mapping[str, Speaker] | None,
    progress: Progress | None,
    language: Language,
) -> Iterator[Heard | HearingError | InputError]:
    ears = [item for item in waiting if isinstance(item, _Ears)]
    texts = iter(_texts(ears, engine, progress, language))
    for item in waiting:
        if isinstance(item, _Ears):
            found = next(texts)
            yield found if isinstance(found, HearingError) else _heard(item, found, channels or {})
        else:
            yield item


def _texts(
    ears: Sequence[_Ears], engine: Engine, progress: Progress | None, language: Language
) -> list[Sequence[ChannelText] | HearingError]:
    """What each recording's channels say. If the group fails, each is tried alone, so that one spoils one."""
    try:
        found = engine.transcribe(
            [samples for ear in ears for samples in ear.channels],
            [speech for ear in ears for speech in ear.speech],
            calls=[number for number, ear in enumerate(ears) for _ in ear.channels],
            progress=progress,
        )
    except (RuntimeError, ValueError, MemoryError) as error:
        if len(ears) == 1:
            place = ears[0].interaction.recording or ears[0].interaction.source
            return [_error("Z305", "failed", place, language, detail=str(error) or type(error).__name__)]
        logger.warning("hearing %d recordings together failed, each is heard alone: %s", len(ears), error)
        return [text for ear in ears for text in _texts([ear], engine, progress, language)]
    result: list[Sequence[ChannelText] | HearingError] = []
    at = 0
    for ear in ears:
        result.append(found[at : at + len(ear.channels)])
        at += len(ear.channels)
    return result


def _heard(ear: _Ears, texts: Sequence[ChannelText], default: Mapping[str, Speaker]) -> Heard:
    words = [
        (channel, Word(word.text, word.start, min(word.end, ear.duration), word.probability))
        for channel, text in enumerate(texts)
        for segment in text.segments
        for word in segment.words
    ]
    split = 1.0
    if len(ear.channels) == 1 and words:
        words, split = _by_voice(ear, [word for _, word in words])
    spoken = utterances(words)
    roles, sure = _roles(ear, spoken, default, split)
    warnings = [*ear.warnings, *(warning for text in texts for warning in text.warnings)]
    if words and sure < _sure_enough():
        warnings.append("roles_guessed")
    probabilities = [word.probability for _, word in words]
    hearing = Hearing(
        duration=ear.duration,
        sample_rate=ear.sample_rate,
        channels=len(ear.channels),
        speech_seconds=sum(end - start for speech in ear.speech for start, end in speech),
        confidence=sum(probabilities) / len(probabilities) if probabilities else None,
        warnings=tuple(dict.fromkeys(warnings)),
        waveform=_waveform(ear),
    )
    told = [utterance for utterance in spoken if normalise(utterance.text)]
    turns = tuple(_turn(index, utterance, roles[utterance.voice], sure) for index, utterance in enumerate(told))
    return Heard(_with_levels(ear, told, turns), hearing)


def _waveform(ear: _Ears) -> Waveform:
    from models.audio import SAMPLE_RATE

    return waveform(ear.channels, SAMPLE_RATE)


def _with_levels(ear: _Ears, utterances: Sequence[Utterance], turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns with the level of their words, and that of the gap before them where nobody speaks."""
    import numpy as np

    from models.audio import SAMPLE_RATE, lasting_level, level

    def cut(samples: Samples, start: float, end: float) -> Samples:
        return samples[int(start * SAMPLE_RATE) : max(int(start * SAMPLE_RATE) + 1, int(end * SAMPLE_RATE))]

    measured: list[Turn] = []
    quiet_since = 0.0
    for utterance, turn in zip(utterances, turns, strict=True):
        samples = ear.channels[utterance.voice if len(ear.channels) == 2 else 0]
        said = np.concatenate([cut(samples, word.start, word.end) for word in utterance.words])
        before: float | None = None
        if utterance.start - quiet_since >= LEAST_GAP:
            before = max(lasting_level(cut(channel, quiet_since, utterance.start)) for channel in ear.channels)
        measured.append(
            replace(turn, loudness=round(level(said), 1), sound_before=None if before is None else round(before, 1))
        )
        quiet_since = max(quiet_since, utterance.end)
    return tuple(measured)


def _by_voice(ear: _Ears, words: Sequence[Word]) -> tuple[list[tuple[int, Word]], float]:
    """Words of one channel with the number of their voice, and how surely there are two voices."""
    from models.speakers.clustering import two_voices

    voices = two_voices(ear.channels[0], ear.speech[0])
    return [(voices.speaker(word.start, word.end), word) for word in words], voices.confidence


def utterances(words: Iterable[tuple[int, Word]]) -> list[Utterance]:
    """Utterances of all voices in order of time, from words with the number of their voice.

    An utterance ends at a pause of `PAUSE` seconds, or at a gap of `GAP` in which another voice begins to speak.
    """
    by_voice: dict[int, list[Word]] = {}
    for voice, word in sorted(words, key=lambda item: (item[1].start, item[1].end)):
        by_voice.setdefault(voice, []).append(word)
    unbroken = [chunk for voice, spoken in by_voice.items() for chunk in _chunks(voice, spoken, PAUSE, ())]
    parts = [
        part
        for chunk in unbroken
        for part in _chunks(
            chunk.voice, chunk.words, GAP, [other.start for other in unbroken if other.voice != chunk.voice]
        )
    ]
    return sorted(parts, key=lambda part: (part.start, part.end))


def _chunks(voice: int, words: Sequence[Word], gap: float, starts: Sequence[float]) -> Iterator[Utterance]:
    """Words cut at gaps of at least `gap` seconds; given `starts` of others, only where one of them lies in the gap."""
    held: list[Word] = [words[0]]
    for before, after in pairwise(words):
        long_gap = after.start - before.end >= gap
        if long_gap and (gap >= PAUSE or any(before.end <= start < after.start for start in starts)):
            yield Utterance(voice, tuple(held))
            held = []
        held.append(after)
    yield Utterance(voice, tuple(held))


def _roles(
    ear: _Ears, utterances: Sequence[Utterance], default: Mapping[str, Speaker], split: float
) -> tuple[tuple[Speaker, Speaker], float]:
    """Speakers of voice 0 and voice 1, and how sure that is."""
    told = ear.interaction.channels or default
    if len(ear.channels) == 2:
        left, right = told.get("left"), told.get("right")
        if left or right:
            return (left or _other(right), right or _other(left)), 1.0
    elif "mono" in told:
        return (told["mono"], told["mono"]), 1.0
    from models.speakers.roles import assign

    said = ["\n".join(u.text for u in utterances if u.voice == voice) for voice in (0, 1)]
    roles = assign(*said)
    pair = (Speaker.AGENT, Speaker.CUSTOMER) if roles.agent == 0 else (Speaker.CUSTOMER, Speaker.AGENT)
    # Without two voices, every turn is as likely the one's as the other's.
    return pair, 0.5 + (roles.confidence - 0.5) * split


def _other(speaker: Speaker | None) -> Speaker:
    return {Speaker.AGENT: Speaker.CUSTOMER, Speaker.CUSTOMER: Speaker.AGENT}.get(
        speaker or Speaker.UNKNOWN, Speaker.UNKNOWN
    )


def _sure_enough() -> float:
    from models.speakers.roles import SURE

    return SURE


def _turn(index: int, utterance: Utterance, speaker: Speaker, role_confidence: float) -> Turn:
    return Turn(
        index=index,
        speaker=speaker,
        text=normalise(utterance.text),
        original=utterance.text,
        start=utterance.start,
        end=utterance.end,
        confidence=sum(word.probability for word in utterance.words) / len(utterance.words),
        role_confidence=role_confidence,
        words=utterance.words,
    )


def _error(code: str, key: str, where: str, language: Language, **args: object) -> HearingError:
    return HearingError(
        code, t(language, f"hearing.{key}", **args), where=where, hint=t(language, f"hearing.{key}_hint")
    )
