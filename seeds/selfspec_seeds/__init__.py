"""Seeds of the domains, as package data: one JSONL file and one card a domain."""
