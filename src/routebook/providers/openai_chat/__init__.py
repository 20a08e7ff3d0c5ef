"""The chat completions API that OpenAI defined and many speak."""
