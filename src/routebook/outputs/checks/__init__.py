"""Output checks, one file each."""
