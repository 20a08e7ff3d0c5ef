"""Decision → result."""
