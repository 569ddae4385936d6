"""Tests as sentences: one folder a room, plus what runs end to end and what breaks on purpose."""
