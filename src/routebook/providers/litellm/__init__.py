"""The LiteLLM library, in this process: whatever provider it knows is reached by its model ids."""
