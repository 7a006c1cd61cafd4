"""What every component is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import BaseModel


class _NoSettings:
    """Imports pydantic when settings are asked for: a component that has none is light to list."""

    def __get__(self, component: object, cls: type) -> type[BaseModel]:
        from selfspec_core.components.settings import NoSettings

        return NoSettings


class Component:
    """What all components share.

    Attributes:
        name: lower case, unique among components of its kind; settings refer to it.
        summary: one line for listings.
        Settings: pydantic model of the component's settings; `NoSettings` unless it has its own.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Settings: ClassVar[type[BaseModel]] = _NoSettings()  # type: ignore[assignment]  # read only

    def __init__(self, settings: BaseModel | None = None) -> None:
        if settings is not None:
            self.settings = settings

    @cached_property
    def settings(self) -> Any:
        """The settings that were given, or the defaults."""
        return self.Settings()
