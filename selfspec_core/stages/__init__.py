"""The four stages of a round; each reads the journal the one before it wrote."""
