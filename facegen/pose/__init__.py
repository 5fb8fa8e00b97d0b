"""Pose and expression of a saved face: the same person, turned."""
