"""HTTP exchanges: the only users of an HTTP library."""
