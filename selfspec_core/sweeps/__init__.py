"""Runs over one setting: which, what they share, and what they add up to."""
