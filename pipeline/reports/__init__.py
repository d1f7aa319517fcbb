"""Reports: static pages that open from disk. `html` writes them, `material` is what they are made from."""
