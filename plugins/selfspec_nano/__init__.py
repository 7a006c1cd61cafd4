"""nano: the small base model that ships with selfspec, and the recipe that made it."""

from importlib.resources import files
from pathlib import Path


def weights_path() -> Path:
    """Return the folder of the embedded model, a plain Hugging Face Llama folder."""
    return Path(str(files(__package__) / "weights"))
