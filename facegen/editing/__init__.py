"""Edits of faces: dials that move a latent."""
