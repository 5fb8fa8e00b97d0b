"""Foreign files read as data: pickles, IR, dlib, latents."""
