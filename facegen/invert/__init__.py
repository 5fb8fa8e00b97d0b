"""From a photograph to a latent: the encoder's first guess, and refining it on the picture."""
