import inspect
import re

import pytest

from selfspec_core import hookspecs
from selfspec_core.cli.plugins import offered
from selfspec_core.plugins import HOOKS, PluginHost

MAY_BE_EMPTY = {"domains", "seed_sources"}  # domain packages provide these


def example_of(hook):
    """Returns the code of a spec's example, without its indentation."""
    text = inspect.getdoc(getattr(hookspecs, hook))
    return inspect.cleandoc("\n" + re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])


def test_every_spec_is_in_the_table_of_hooks():
    specs = [name for name in vars(hookspecs) if name.startswith("selfspec_")]
    assert sorted(specs) == sorted(HOOKS.values())


@pytest.mark.parametrize("kind", HOOKS)
def test_every_spec_has_a_complete_example(kind):
    import pluggy

    hook = HOOKS[kind]
    space = {"__name__": f"example_of_{hook}"}
    exec(compile(example_of(hook), hook, "exec"), space)
    manager = pluggy.PluginManager("selfspec")
    manager.add_hookspecs(hookspecs)
    manager.register(type("Plugin", (), {hook: staticmethod(space[hook])}))
    manager.check_pending()
    parameters = inspect.signature(space[hook]).parameters
    [cls] = space[hook](*("chemistry" for _ in parameters))
    assert cls.name
    assert cls.summary


@pytest.mark.parametrize("kind", sorted(set(HOOKS) - MAY_BE_EMPTY))
def test_every_hook_has_a_built_in_implementer(kind):
    host = PluginHost(third_party=False)
    host.load_defaults()
    assert offered(host, kind)


@pytest.mark.parametrize("hook", HOOKS.values())
def test_hooks_take_no_defaults(hook):
    for parameter in inspect.signature(getattr(hookspecs, hook)).parameters.values():
        assert parameter.default is inspect.Parameter.empty
