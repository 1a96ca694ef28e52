"""Stress a persona: the same trials under every way of holding it, scored alike, compared honestly."""
