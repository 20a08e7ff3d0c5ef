"""The responses API that OpenAI defined. Its adapter is not here yet."""
