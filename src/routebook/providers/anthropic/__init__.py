"""The messages API of Anthropic. Its adapter is not here yet."""
