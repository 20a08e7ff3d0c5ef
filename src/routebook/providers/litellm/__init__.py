"""The LiteLLM library, in this process. Its adapter is not here yet."""
