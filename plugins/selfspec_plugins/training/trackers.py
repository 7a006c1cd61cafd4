"""Where TensorBoard and W&B write, for as long as a training runs; without trackers nothing does.

transformers tells its tracker callbacks by environment variables where to write. Those that a
person set are left as they are.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tracked(trackers: Sequence[str], out: Path, *, afresh: bool = True) -> Iterator[None]:
    """Has the trackers write to a folder of the run; see `log_folder`.

    Args:
        trackers: of `training.report_to`.
        out: the folder that the adapter is made in.
        afresh: what a training that was interrupted wrote is removed.
    """
    if not trackers:
        yield
        return
    logs = log_folder(out)
    if afresh:
        shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True, exist_ok=True)
    name = "/".join(part for part in logs.parts[-5:] if part not in ("runs", "logs"))
    wanted = {"WANDB_DIR": str(logs), "WANDB_PROJECT": "selfspec", "WANDB_NAME": name}
    wanted = {key: value for key, value in wanted.items() if key not in os.environ}
    wanted["TENSORBOARD_LOGGING_DIR"] = str(logs)  # one for all systems would mix their curves
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        if "wandb" in trackers:
            import wandb

            wandb.finish()  # else the next training of this process goes on in the same run,
            wandb.teardown()  # in the same folder


def log_folder(out: Path) -> Path:
    """Returns where the logs of a training lie: `RUN/logs/round-N/ADAPTER`.

    Logs hold times, and a round's folder holds only what comes out the same again. An adapter that
    is made in no run has its logs beside it.

    Args:
        out: the folder that the adapter is made in, `NAME` or `.NAME.tmp`.
    """
    path = out.absolute()
    path = path.with_name(path.name.removeprefix(".").removesuffix(".tmp"))
    rounds = (folder for folder in path.parents if re.fullmatch(r"round-\d+", folder.name))
    run = next(rounds, path).parent
    return run / "logs" / path.relative_to(run)
