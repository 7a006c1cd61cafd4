"""Exporters: a specialist becomes a folder for other programs, and is proven to be the same."""
