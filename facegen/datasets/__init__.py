"""Datasets: many pictures of many people with a manifest, made here, in processes, or on Ray."""
