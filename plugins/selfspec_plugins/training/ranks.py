"""One training on several processes (ranks): each has the model and takes its part of every step.

What they are to one another is accelerate's business: DDP, or what its configuration file says.
They are workers as those of `lanes`; only that here all of them are asked the same at once, and if
one is gone the others wait for it in vain.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import warnings
from typing import Any

from selfspec_core.config import ModelSettings, TrainingSettings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_plugins.distributed import world_size
from selfspec_plugins.local.loading import cores
from selfspec_plugins.local.memory import OutOfMemory
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.local.workers import Advance, Gone, Question, Worker, end

PATIENCE = 5.0
"""Seconds to wait, when a rank has failed, for one that says why: who lost the other fails too."""


def check(training: TrainingSettings, model: ModelSettings) -> None:
    """Looks whether so many processes can train here.

    Raises:
        UsageError: naming the key, or the variable of the environment.
    """
    if (size := world_size()) > 1:
        raise UsageError(
            f"WORLD_SIZE={size} in the environment: start selfspec by itself, not by torchrun "
            "or accelerate launch; training.processes says how many train"
        )
    if training.processes == 1:
        return
    count = gpus(model)
    if 0 < count < training.processes:
        plural = "s" if count > 1 else ""
        raise UsageError(
            f"training.processes = {training.processes}: there are only {count} GPU{plural} here"
        )
    if training.accelerate and not count:
        raise UsageError(f"training.accelerate = {training.accelerate}: needs GPUs; there are none")
    configured(training)


def gpus(model: ModelSettings) -> int:
    """Returns how many GPUs there are for a model; 0: it is on the processor."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() and model.device != "cpu" else 0


def configured(training: TrainingSettings) -> dict[str, str]:
    """Returns what accelerate's configuration file becomes in the environment of a rank.

    Raises:
        UsageError: naming the file, and what in it cannot be.
    """
    file = training.accelerate
    if file is None:
        return {}
    if not file.is_file():
        raise UsageError(f"training.accelerate = {file}: no such file")
    from accelerate.commands import launch
    from accelerate.utils.launch import prepare_multi_gpu_env

    given = ["--config_file", str(file), "--main_process_port", "0", "none.py"]
    try:
        with warnings.catch_warnings(action="ignore"):
            arguments, config, _ = launch._validate_launch_command(
                launch.launch_command_parser().parse_args(given)
            )
            _check_kind(config, training)
            found: dict[str, str] = prepare_multi_gpu_env(arguments)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"training.accelerate = {file}: {first}") from None
    return {key: value for key, value in found.items() if os.environ.get(key) != value}


def _check_kind(config: Any, training: TrainingSettings) -> None:
    """Refuses what is not one machine with as many processes as the settings say."""
    kind = str(getattr(config.distributed_type, "value", config.distributed_type))
    if kind not in ("FSDP", "MULTI_GPU"):
        raise ValueError(f"distributed_type: {kind}: expected FSDP or MULTI_GPU")
    if (config.num_machines or 1) != 1:
        raise ValueError(f"num_machines: {config.num_machines}: expected 1")
    if config.num_processes != training.processes:
        raise ValueError(
            f"num_processes: {config.num_processes}, but training.processes = {training.processes}"
        )


def train_together(
    model: TransformersModel, question: Question, training: TrainingSettings, advance: Advance
) -> Any:
    """Asks as many new processes as the settings say the same; returns what the first one says.

    The resident model makes room for theirs; it has to be loaded again afterwards.

    Raises:
        OutOfMemory: if there was too little in one of them.
        SelfspecError: in one line, if one of them failed or is gone.
    """
    count = training.processes
    common = _environment(training, on_cpu=not gpus(model.settings))
    model.unload()
    workers: list[Worker] = []
    try:
        for number in range(count):
            own = {"RANK": str(number), "LOCAL_RANK": str(number)}
            name = f"training process {number + 1} of {count}"
            try:
                workers.append(Worker(type(model), model.settings, common | own, name))
            except Gone as why:
                raise _lost(name, why) from None
        answer = _answers(workers, question, advance)
    except BaseException as error:
        end(workers, error)
        raise
    end(workers)
    return answer


def _environment(training: TrainingSettings, *, on_cpu: bool) -> dict[str, str]:
    """Returns the environment that the ranks have in common: how they find one another."""
    count = str(training.processes)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    found = {**configured(training), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    found |= {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    found.setdefault("TORCH_CPP_LOG_LEVEL", os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"))
    if on_cpu and "OMP_NUM_THREADS" not in os.environ:  # each would take all cores
        found["OMP_NUM_THREADS"] = str(max(1, cores() // training.processes))
    return found


def _answers(workers: list[Worker], question: Question, advance: Advance) -> Any:
    said: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def drive(number: int, worker: Worker) -> None:
        try:
            worker.wait_until_ready()
            tell = advance if number == 0 else _nobody
            said.put((number, worker.run(question, None, tell)))
        except BaseException as error:
            said.put((number, error))

    for number, worker in enumerate(workers):
        threading.Thread(target=drive, args=(number, worker), daemon=True).start()
    answers: dict[int, Any] = {}
    failed: BaseException | None = None
    while len(answers) < len(workers):
        try:
            number, answer = said.get(timeout=PATIENCE if failed else None)
        except queue.Empty:
            break
        answers[number] = answer
        if isinstance(answer, Gone):
            raise _lost(workers[number].name, answer)
        if isinstance(answer, OutOfMemory):
            raise answer
        if isinstance(answer, BaseException):
            failed = failed or answer
    if failed is not None:
        raise failed
    return answers[0]


def _lost(name: str, why: Gone) -> SelfspecError:
    return SelfspecError(f"{name} is gone ({why}); `selfspec resume` goes on with the training")


def _nobody(done: int) -> None:
    """Is told what another rank tells too."""
