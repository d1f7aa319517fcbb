"""How the turns of a conversation read: politeness, empathy, sentiment and acts, and what the whole comes to.

`load_reader()` gives a reader; `reader.read_all(conversations)` gives one frozen reading a conversation. The reader
joins two opinions: cue lexicons (`cues.CueReader`) and a small learnt encoder (`encoder.TurnEncoder`).
"""

from __future__ import annotations

from models.utterance.cues import CueReader
from models.utterance.reader import Reader, load_reader
from models.utterance.records import ConversationReading, CueMark, TurnReading, Utterance, WholeReading

__all__ = [
    "ConversationReading",
    "CueMark",
    "CueReader",
    "Reader",
    "TurnReading",
    "Utterance",
    "WholeReading",
    "load_reader",
]
