"""Finding people by words, and choosing among many."""
