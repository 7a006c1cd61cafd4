"""Tiny models, built once for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for `tiny_models`


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """Returns `tiny(architecture)`: a loaded model, one per architecture."""
    import tiny_models
    import torch

    from selfspec_core.config import ModelSettings
    from selfspec_plugins.local.transformers_model import TransformersModel

    torch.set_num_threads(1)

    @cache
    def load(architecture: str = "llama") -> TransformersModel:
        folder = tiny_models.build(tmp_path_factory.mktemp(architecture), architecture)
        model = TransformersModel(ModelSettings(path=folder))
        model.load()
        return model

    return load
