"""selfspec: a language model becomes an expert in a domain, with no stronger teacher.

What the author of a plugin needs is named here; importing it loads no heavy library.
"""

TYPE_CHECKING = False  # as typing has it; what is imported here delays `selfspec --help`

if TYPE_CHECKING:
    from selfspec_core.components import (
        Component,
        Composer,
        Context,
        Domain,
        Evaluator,
        Expert,
        Exporter,
        Filter,
        Generator,
        Model,
        Retriever,
        SeedSource,
        Trainer,
    )
    from selfspec_core.components.settings import NoSettings
    from selfspec_core.errors import SelfspecError, UsageError
    from selfspec_core.hookspecs import hookimpl
    from selfspec_core.layouts import ALPACA, LAYOUTS, Layout
    from selfspec_core.measures.parsing import parse
    from selfspec_core.model_types import Capabilities, Sampling
    from selfspec_core.packages import PackagedDomain, PackagedSeeds
    from selfspec_core.progress import Progress
    from selfspec_core.types import (
        KEEP,
        KINDS,
        Adapter,
        Example,
        Instruction,
        Item,
        Kind,
        Pair,
        Passage,
        Prediction,
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
    "Composer",
    "Context",
    "Domain",
    "Evaluator",
    "Example",
    "Expert",
    "Exporter",
    "Filter",
    "Generator",
    "Instruction",
    "Item",
    "Kind",
    "Layout",
    "Model",
    "NoSettings",
    "PackagedDomain",
    "PackagedSeeds",
    "Pair",
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
    "parse",
]

_HOMES = (  # searched in this order: those that take longest to import come last
    "components",
    "errors",
    "hookspecs",
    "layouts",
    "model_types",
    "progress",
    "types",
    "packages",
    "measures.parsing",
    "components.settings",
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Imports a public name when it is first asked for: `selfspec --help` needs none."""
        from importlib import import_module

        for home in _HOMES if name in __all__ else ():
            module = import_module(f"{__name__}.{home}")
            if name in vars(module):
                return globals().setdefault(name, vars(module)[name])
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
