"""Who is told what: thresholds, messages, and their way to mail boxes and robots, each sent once."""
