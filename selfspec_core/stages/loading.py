"""The model that a folder of journals is filled with: loaded, and the same after a resume."""

from __future__ import annotations

from selfspec_core.components import Context
from selfspec_core.errors import SelfspecError
from selfspec_core.runs import RoundFolder


def load_model(folder: RoundFolder, context: Context) -> None:
    """Loads the model; what was decided before an interruption holds for the rest of it.

    Raises:
        SelfspecError: if it is not the model that was loaded first.
    """
    with context.timed("load"):
        context.model.load()
    name, details = context.model.name, context.model.describe()
    for commit in (c for c in folder.commits if "baseline" not in c):
        context.decisions.update(commit.get("decisions", {}))
        if commit["stage"] == "load" and commit["model"] == name and commit["is"] != details:
            raise SelfspecError(f"cannot resume: model '{name}' is not the one the run began with")
    if not any(c["stage"] == "load" and c["model"] == name for c in folder.commits):
        folder.commit("load", folder.done("load"), {}, model=name, **{"is": details})
