"""What an engine remembers from one call to the next: who is under way, how much was asked, what failed."""
