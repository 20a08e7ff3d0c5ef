"""Output contracts: asking for one, validating the answer, checking it against the caller's own data."""
