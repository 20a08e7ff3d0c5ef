"""Bounds: the worst case of decisions, in calls, seconds and dollars."""
