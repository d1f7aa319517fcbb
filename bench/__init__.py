"""Measuring commands: how well and how fast zhijian hears, reads and scores. Each runs as `python bench/NAME.py`."""
