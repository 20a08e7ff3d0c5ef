"""The generateContent API of Gemini, at Google AI and at Vertex."""
