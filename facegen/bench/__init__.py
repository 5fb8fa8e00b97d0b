"""Timing of every engine, and the least that a picture can cost."""
