"""Where TensorBoard and W&B write, for as long as a training runs; without trackers nothing does.

transformers tells its tracker callbacks by environment variables where to write. Those that a
person set are left as they are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tracked(trackers: Sequence[str], out: Path) -> Iterator[None]:
    """Has the trackers write to `logs/NAME` beside an adapter's folder.

    Args:
        trackers: of `training.report_to`.
        out: the folder that the adapter is made in, `NAME` or `.NAME.tmp`. The adapter itself
            stays free of logs, which hold times.
    """
    if not trackers:
        yield
        return
    logs = log_folder(out)
    shutil.rmtree(logs, ignore_errors=True)  # of a training that was interrupted
    logs.mkdir(parents=True)
    name = "/".join((*out.absolute().parts[-3:-1], logs.name))
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
    """Returns where the logs of an adapter's training lie."""
    return out.parent / "logs" / out.name.removeprefix(".").removesuffix(".tmp")
