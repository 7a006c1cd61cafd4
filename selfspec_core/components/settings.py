"""Settings of components that have none; apart, as listings do without pydantic."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class NoSettings(BaseModel):
    """Settings of a component that has none; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
