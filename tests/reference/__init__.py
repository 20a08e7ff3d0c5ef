"""What the tests hold the real thing against: written anew from the design, tiny and slow."""
