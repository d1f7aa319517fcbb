"""The shipped scorecards, term lists and lexicons: data files, read with importlib.resources."""
