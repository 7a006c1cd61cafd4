"""Memory that runs out, and what is done about it."""

from __future__ import annotations


class OutOfMemory(Exception):
    """A batch was too large for the memory of its lane."""


def out_of_memory(error: Exception) -> bool:
    """Says whether an error means that there was too little memory, on a GPU or a CPU."""
    import torch

    known = isinstance(error, torch.OutOfMemoryError | OutOfMemory)
    return known or "can't allocate memory" in str(error)


def free() -> None:
    """Gives memory back that torch keeps for later, where it keeps any."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
