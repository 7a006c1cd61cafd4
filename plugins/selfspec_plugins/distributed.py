"""Which of the processes that train together this one is, by torch's and accelerate's variables."""

from __future__ import annotations

import os


def rank() -> int:
    """Returns which of the ranks this process is; 0 if it trains alone."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Returns how many ranks train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def sharded() -> bool:
    """Says whether each rank is to have only a part of the weights (FSDP)."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"


def local_rank() -> int:
    """Returns the number of this rank's GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))
