"""What libraries would report to their makers is switched off before they are imported."""

from __future__ import annotations

import os

_QUIET = {
    "DO_NOT_TRACK": "1",  # huggingface_hub and many others
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",  # chromadb
    "RAY_USAGE_STATS_ENABLED": "0",
}


def no_telemetry() -> None:
    """Sets what libraries read, unless the user has."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
