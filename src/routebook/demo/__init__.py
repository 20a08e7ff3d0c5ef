"""The demonstration: two tool servers and a guided tour over the example book."""
