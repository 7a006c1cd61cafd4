"""Exporters: a specialist becomes a folder that other programs read, and is proven to be the same."""
