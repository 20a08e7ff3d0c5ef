"""Document → table: link, check, freeze."""
