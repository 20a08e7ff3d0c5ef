"""What the two APIs that OpenAI defined have in common: their other calls, their refusals, their strict schemas."""
