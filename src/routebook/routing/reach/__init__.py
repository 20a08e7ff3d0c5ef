"""Reach: what requests can come to, worked out over all of them."""
