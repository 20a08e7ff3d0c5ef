"""What becomes of the records of runs: who is told of them, and how they are logged."""
