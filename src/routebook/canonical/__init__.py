"""What callers and models exchange, whatever the provider: immutable, comparable, plain on request."""
