"""What libraries would report to their makers is switched off."""

from __future__ import annotations

import os
import sys

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
    hub = sys.modules.get("huggingface_hub.constants")  # imported before, it has read it already
    if hub is not None and os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1":
        hub.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
