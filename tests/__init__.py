"""Tests of zhijian; `tests.material` holds what they share."""
