"""Speakers by ear and by words: what leaked from the other channel, two voices in one channel, who is the agent."""
