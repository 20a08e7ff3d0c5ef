"""Bytes of route files → nodes with spans."""
