"""Signals: arrays or text in, small frozen records out. Nothing here knows the pipeline."""
