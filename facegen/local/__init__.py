"""Edits that change a part of the picture: where each dial acts, and the rest kept as it was."""
