"""The model that a folder of journals is filled with: loaded, and the same after a resume."""

from __future__ import annotations

from selfspec_core.components import Context, Model
from selfspec_core.errors import SelfspecError
from selfspec_core.journals import RoundFolder


def load_model(folder: RoundFolder, context: Context, other: Model | None = None) -> None:
    """Loads the model; what was decided before an interruption holds for the rest of it.

    Args:
        other: see `resident`.

    Raises:
        SelfspecError: if it is not the model that was loaded first.
    """
    with context.timed("load"):
        resident(context.model, other)
    name, details = context.model.name, context.model.describe()
    known = []
    for commit in (c for c in folder.commits if "baseline" not in c):
        context.decisions.update(commit.get("decisions", {}))
        if commit["stage"] == "load" and commit["model"] == name:
            known.append(commit["is"])
    alike = [one for one in known if one.get("name") == details.get("name")]
    if any(one != details for one in alike):
        raise SelfspecError(f"cannot resume: model '{name}' is not the one the run began with")
    if not alike:  # two folders' models may be of one backend: the one that writes, and the tuned
        folder.commit("load", folder.done("load"), {}, model=name, **{"is": details})


def resident(model: Model, other: Model | None) -> None:
    """Loads a model; the other of the two that write and are tuned makes room for it.

    Args:
        other: the one that has no work now; None, or the same, where one model does both.
    """
    if other is not None and other is not model:
        other.unload()
    model.load()
