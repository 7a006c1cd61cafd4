"""What every component is."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class NoSettings(BaseModel):
    """Settings of a component that has none; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Component:
    """What all components share.

    Attributes:
        name: lower case, unique among components of its kind; settings refer to it.
        summary: one line for listings.
        Settings: pydantic model of the component's settings.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Settings: ClassVar[type[BaseModel]] = NoSettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()
