"""One base class per kind of component. A plugin author subclasses one and returns it from a hook.

Every component has a `name` by which settings choose it, a `summary` for listings, and a pydantic
`Settings` model which the core fills from the recipe. Heavy libraries are imported inside methods.
"""

from selfspec_core.components.base import Component
from selfspec_core.components.composers import Composer, Expert
from selfspec_core.components.context import Context
from selfspec_core.components.exporters import Exporter
from selfspec_core.components.resources import Domain, Model, Retriever, SeedSource
from selfspec_core.components.steps import Evaluator, Filter, Generator, Trainer

__all__ = [
    "Component",
    "Composer",
    "Context",
    "Domain",
    "Evaluator",
    "Expert",
    "Exporter",
    "Filter",
    "Generator",
    "Model",
    "Retriever",
    "SeedSource",
    "Trainer",
]
