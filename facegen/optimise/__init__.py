"""Losses minimised over rows of a latent, under a prior of what faces are."""
