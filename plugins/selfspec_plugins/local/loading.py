"""Loads a causal language model and its tokenizer, or says in one line why that is impossible."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

from selfspec_core.config import ModelSettings
from selfspec_core.errors import UsageError
from selfspec_core.privacy import no_telemetry
from selfspec_core.stopwatch import importing
from selfspec_plugins.distributed import local_rank, sharded, world_size
from selfspec_plugins.local.memory import free


def set_environment() -> None:
    """Sets what libraries read when they are imported, unless the user has."""
    no_telemetry()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")  # a fixed thread count gives the same bytes
    # threads that spin while they wait cost 5x in speed when another process wants the cores
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def load(settings: ModelSettings) -> tuple[Any, Any]:
    """Returns model (in evaluation mode) and tokenizer.

    Raises:
        UsageError: naming the folder and what it lacks, or the hub id that cannot be reached.
    """
    source = str(check_folder(settings.path)) if settings.path else settings.name
    with importing():
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    getLogger("bitsandbytes").setLevel(ERROR)
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    getLogger("huggingface_hub").setLevel(ERROR)
    common: dict[str, Any] = {
        "local_files_only": settings.path is not None or not _hub_resolves(),
        "revision": settings.revision or "main",
        "trust_remote_code": settings.trust_remote_code,
    }
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **common)
        placed = placement(settings)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source, **common, **placed, output_loading_info=True
        )
        model, info = loaded
    except Exception as error:  # any: the files may be broken in any way
        raise UsageError(_reason(settings, error)) from error
    lacking = [] if "quantization_config" in placed else sorted(info["missing_keys"])
    if lacking:  # transformers would draw them at random, with a warning
        named = f"{lacking[0]} and {len(lacking) - 1} more" if lacking[1:] else lacking[0]
        raise UsageError(f"--model {source}: the weights lack {named}, which config.json asks for")
    known, special = model.get_input_embeddings().num_embeddings, set(tokenizer.all_special_ids)
    # a special token or two beyond the weights are common, and no text has them
    most = 1 + max((id for id in tokenizer.get_vocab().values() if id not in special), default=0)
    if most > known:
        raise UsageError(
            f"--model {source}: its tokenizer has {most} tokens and its weights {known}: "
            "they do not belong together"
        )
    for module in model.modules():
        # bitsandbytes repacks 4-bit weights at the first inference on CPUs with AVX-512 BF16, and
        # has no gradient for the repacked format: an adapter trained afterwards came out different
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer


def cores() -> int:
    """Returns how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def threads() -> int:
    """Returns how many threads torch takes now."""
    with importing():
        import torch

    return torch.get_num_threads()


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Lets torch take `count` threads for a while; None leaves it as it is."""
    import torch

    before = threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def free_memory(threads: int) -> None:
    """Gives back what nothing refers to any more, and torch's `threads` of before."""
    import gc

    import torch

    gc.collect()
    free()
    torch.set_num_threads(threads)


def _hub_resolves() -> bool:
    """Says whether the hub's name resolves: without a network, asking it takes a minute."""
    import socket
    from urllib.parse import urlsplit

    from huggingface_hub.constants import ENDPOINT

    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True


def check_folder(path: Path) -> Path:
    """Returns `path` if a model lies there.

    Raises:
        UsageError: naming what is missing.
    """
    if not path.is_dir():
        raise UsageError(f"--model {path}: no such folder")
    if not (path / "config.json").is_file():
        raise UsageError(f"--model {path}: no config.json in it, so it is not a model folder")
    if not list(path.glob("*.safetensors")):
        pickled = ", ".join(sorted(p.name for p in path.glob("*.bin")))
        instead = f" (only {pickled}, which is not loaded for safety)" if pickled else ""
        raise UsageError(f"--model {path}: no weights: expected *.safetensors{instead}")
    return path


def check_hub(settings: ModelSettings) -> None:
    """Asks the hub, or the local cache without a network, for a model's `config.json`.

    Raises:
        UsageError: naming the id and why it cannot be had.
    """
    set_environment()
    from huggingface_hub import hf_hub_download

    here = not _hub_resolves()
    try:
        hf_hub_download(
            settings.name, "config.json", revision=settings.revision, local_files_only=here
        )
    except Exception as error:  # any: the id may be no id at all
        raise UsageError(_reason(settings, error)) from error


def placement(settings: ModelSettings) -> dict[str, Any]:
    """Returns the arguments of `from_pretrained` for dtype, quantization, attention and device."""
    import torch

    cuda = torch.cuda.is_available() and settings.device != "cpu"
    if settings.dtype == "auto":
        dtype = torch.bfloat16 if cuda else torch.float32
    else:
        dtype = getattr(torch, settings.dtype)
    device: Any = settings.device
    if world_size() > 1 and cuda:  # each has a GPU of its own for the model, or a part of it
        device = {"": "cpu" if sharded() else local_rank()}
    elif device == "auto":
        device = {"": 0} if cuda else None
    kwargs: dict[str, Any] = {"dtype": dtype, "use_safetensors": True}
    if device not in (None, "cpu"):
        kwargs["device_map"] = device
    if settings.attention:
        kwargs["attn_implementation"] = settings.attention
    if settings.quantization == "nf4" or (settings.quantization == "auto" and cuda):
        from transformers import BitsAndBytesConfig

        kwargs["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            bnb_4bit_quant_storage=dtype if sharded() else torch.uint8,  # FSDP shards floats alone
        )
    return kwargs


def weight_hashes(path: Path | None) -> dict[str, str]:
    """Returns the first 16 hex digits of the SHA-256 of each weights file in `path`."""
    hashes = {}
    for file in sorted(path.glob("*.safetensors")) if path else ():
        with file.open("rb") as stream:
            hashes[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    return hashes


def commit(settings: ModelSettings) -> str | None:
    """Returns the commit that a model of the hub was loaded from; None of a local folder."""
    if settings.path:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(settings.name, "config.json", revision=settings.revision)
    return Path(found).parent.name if isinstance(found, str) else None


def _reason(settings: ModelSettings, error: Exception) -> str:
    """Says in a line why a model did not load."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "custom code" in first:
        how = "which runs only with --set model.trust_remote_code=true"
        return f"--model {settings.path or settings.name}: comes with code of its own, {how}"
    if settings.path:
        return f"--model {settings.path}: {first}"
    said = _refusal(settings, error)
    network = (
        "connect",
        "offline",
        "couldn't reach",
        "max retries",
        "resolve",
        "cached",
        "disk cache",
    )
    if said is None and any(word in str(error).lower() for word in network):
        said = (
            "the hub cannot be reached and the model is not in the local cache; --model PATH takes "
            "a local folder"
        )
    return f"--model {settings.name}: {said or f'{first}; --model PATH takes a local folder'}"


def _refusal(settings: ModelSettings, error: Exception) -> str | None:
    """Says what the hub wants before it gives the model away; None if it was not even asked."""
    from huggingface_hub import errors

    status = 0
    for one in _chain(error):
        if isinstance(one, errors.GatedRepoError):
            return (
                f"gated: accept its licence at https://huggingface.co/{settings.name}, and set "
                "HF_TOKEN to a token of that account (or `hf auth login`)"
            )
        if isinstance(one, errors.RevisionNotFoundError):
            return f"has no revision '{settings.revision}'; expected a branch, a tag or a commit"
        if isinstance(one, errors.HfHubHTTPError):
            status = getattr(one.response, "status_code", 0)
    if status in (401, 403, 404):  # of a private model the hub says that there is none
        return (
            "the hub knows no such model, or it is private or gated: check the id; if it is right, "
            f"see https://huggingface.co/{settings.name} and set HF_TOKEN (or `hf auth login`)"
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
