"""Photographs: read, aligned, and an edited face put back into them."""
