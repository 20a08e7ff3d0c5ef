"""The messages API of Anthropic."""
