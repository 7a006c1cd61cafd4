"""selfspec: a language model becomes an expert in a domain, with no stronger teacher.

What the author of a plugin needs is named here; importing it loads no heavy library.
"""

from selfspec_core.components import (
    Component,
    Context,
    Domain,
    Evaluator,
    Filter,
    Generator,
    Model,
    NoSettings,
    Retriever,
    SeedSource,
    Trainer,
)
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.hookspecs import hookimpl
from selfspec_core.layouts import ALPACA, LAYOUTS, Layout
from selfspec_core.packages import PackagedSeeds, load_tasks, read_recipe
from selfspec_core.parsing import parse
from selfspec_core.progress import Progress
from selfspec_core.types import (
    KEEP,
    KINDS,
    Adapter,
    Capabilities,
    Example,
    Instruction,
    Item,
    Kind,
    Passage,
    Prediction,
    Sampling,
    Score,
    Seed,
    System,
    Task,
    Verdict,
)

__version__ = "0.1.0"

__all__ = [
    "ALPACA",
    "KEEP",
    "KINDS",
    "LAYOUTS",
    "Adapter",
    "Capabilities",
    "Component",
    "Context",
    "Domain",
    "Evaluator",
    "Example",
    "Filter",
    "Generator",
    "Instruction",
    "Item",
    "Kind",
    "Layout",
    "Model",
    "NoSettings",
    "PackagedSeeds",
    "Passage",
    "Prediction",
    "Progress",
    "Retriever",
    "Sampling",
    "Score",
    "Seed",
    "SeedSource",
    "SelfspecError",
    "System",
    "Task",
    "Trainer",
    "UsageError",
    "Verdict",
    "hookimpl",
    "load_tasks",
    "parse",
    "read_recipe",
]
