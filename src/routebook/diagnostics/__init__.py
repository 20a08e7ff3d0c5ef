"""What is said about a route file: located, coded, as data, with one rendering a file."""
