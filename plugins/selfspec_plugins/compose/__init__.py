"""Several adapters of one base as one: a mixture with a router, and merges of weights."""
