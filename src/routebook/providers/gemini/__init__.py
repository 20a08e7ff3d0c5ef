"""The generateContent API of Gemini, on Google AI and on Vertex AI. Its adapter is not here yet."""
