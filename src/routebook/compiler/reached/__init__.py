"""Reached: what no request comes to, and what takes its place."""
