"""Fitness: whether the targets that a request can reach can serve the feature that names them."""
