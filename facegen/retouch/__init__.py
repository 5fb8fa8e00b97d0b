"""Pixels changed under a mask: eyes, lips and brows, motions in the plane."""
