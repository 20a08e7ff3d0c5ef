"""Requests → responses: one folder an API, one seam for all."""
