"""Nodes → what the person wrote, typed."""
