"""What a turn can do: the acts the reader tells, and the labels of whole conversations (`training/data/README.md`)."""

from __future__ import annotations

from types import MappingProxyType

AGENT_ACTS = (
    "greeting", "company_named", "self_identification", "offer_help", "identity_request", "restate",
    "question_open", "question_closed", "empathy", "apology_for", "apology", "understanding", "explanation",
    "solution", "offer_of_alternative", "done", "promise_time", "promise_vague", "appointment", "route", "hold",
    "hold_thanks", "anything_else", "satisfaction_check", "thanks", "goodbye", "wish", "courtesy", "account_data",
    "other_persons_data", "refusal", "shirking", "impatience", "scorn", "blame", "quarrel", "swearing",
    "over_promise", "disparagement", "slang",
)  # fmt: skip
CUSTOMER_ACTS = (
    "greeting", "goodbye", "thanks", "praise", "acceptance", "reluctant", "refusal", "question", "request", "inquiry",
    "answer", "problem", "delay", "repeated", "money", "fee_dispute", "bad_service", "complaint", "upset", "distress",
    "threat", "safety", "sarcasm", "swearing", "asks_for_others", "leaving",
)  # fmt: skip
ACTS = MappingProxyType({"agent": AGENT_ACTS, "customer": CUSTOMER_ACTS})

GRADES = MappingProxyType(
    {
        "polite": (1, 2, 3, 4, 5),
        "reaction": (0, 1, 2),
        "understood": (0, 1, 2),
        "explored": (0, 1, 2),
        "feeling": (-2, -1, 0, 1, 2),
    }
)
"""Graded heads of a turn and their steps; the first four are for agents only."""

CLASSES = MappingProxyType(
    {
        "type": ("none", "service", "product", "process", "policy"),
        "level": ("-", "1", "2", "3"),
        "problem": ("billing", "logistics", "technical", "after_sales", "account", "sales", "claims", "other"),
        "need": ("functional", "emotional", "implicit", "behavioural"),
        "resolved": ("no", "yes"),
        "start": ("-1", "0", "1"),
        "end": ("-1", "0", "1"),
        "polite": ("1", "2", "3", "4", "5"),
        "empathy": ("0", "1", "2"),
        "review": ("no", "yes"),
    }
)
"""Labels of whole conversations and their values."""
