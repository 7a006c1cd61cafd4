"""A local model's batches on a Ray cluster: `--executor ray`."""
