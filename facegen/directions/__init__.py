"""Directions in latent space: files, learning, evaluation."""
