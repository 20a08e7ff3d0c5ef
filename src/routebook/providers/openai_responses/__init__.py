"""The responses API that OpenAI defined and some copy."""
