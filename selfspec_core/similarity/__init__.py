"""What is like what: words, near-copies, the variety of a set of texts."""
