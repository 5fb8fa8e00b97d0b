"""Instruments: a picture of a face in, numbers with units out."""
