"""What tables of settings are: what they refuse, and lists in them."""

from __future__ import annotations

from typing import Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator


class Table(BaseModel):
    """A TOML table: unknown keys are errors, values never change after loading."""

    # defer_build: listings import the tables and never fill one
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


def _several(value: Any) -> Any:
    """Takes one name for a list of one: `--set seeds.without=TASK`."""
    return (value,) if isinstance(value, str) else value


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses a list that names something twice."""
    if again := next((value for value in values if values.count(value) > 1), None):
        raise ValueError(f"{again} is given twice")
    return values


Several, Distinct = BeforeValidator(_several), AfterValidator(_distinct)
"""In an annotation: one name is a list of one; nothing is named twice."""


class NamedTables(BaseModel):
    """Tables by component name; what is in them is checked when the component is built."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    def of(self, name: str) -> dict[str, Any]:
        """Returns the settings of component `name` as given."""
        return dict((self.model_extra or {}).get(name, {}))

    @model_validator(mode="after")
    def _tables(self) -> Self:
        for name, table in (self.model_extra or {}).items():
            if not isinstance(table, dict):
                raise ValueError(f"'{name}' must be a table, as in {name}.KEY = VALUE")
        return self
