"""Everyday tasks that belong to no field: what the control `generic` and collateral are made of."""
