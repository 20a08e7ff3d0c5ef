"""The immutable routing table, and deciding with it."""
