"""Judging the dials on pictures, and the documents that tell of it."""
