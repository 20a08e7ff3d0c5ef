"""Invariants: their conditions linked, and proved over every decision of the table."""
