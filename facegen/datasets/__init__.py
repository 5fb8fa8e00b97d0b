"""Sweeps and datasets: many pictures of one person, or of many, with what was measured in each."""
