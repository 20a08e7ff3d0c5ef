"""What happened, frozen: a run and what it was made of."""
