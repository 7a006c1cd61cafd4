"""The training run of nano: steps, log, checkpoints and the exported model."""

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

from selfspec_nano import tokenizer
from selfspec_nano.initialise import Shape, build
from selfspec_nano.optimizers import optimizers, schedule
from selfspec_nano.rows import Rows


class Run:
    """One pretraining run in a folder: state, log, checkpoints.

    Args:
        out: folder of checkpoint, log and exported model.
        options: the parsed command line.
        rank: number of this process; process 0 writes the files.
    """

    def __init__(self, out: Path, options: argparse.Namespace, rank: int = 0) -> None:
        import torch

        self.out, self.options, self.rank = out, options, rank
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.bf16 = self.device == "cuda" or torch.cpu._is_avx512_bf16_supported()
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.tokenizer = tokenizer.load(out)
        shape = Shape(self.tokenizer.get_vocab_size(), options.width, options.layers, options.inner)
        model: Any = build(shape, options.random_seed)
        if options.start:
            started = type(model).from_pretrained(options.start, dtype=torch.float32)
            model.load_state_dict(started.state_dict())
        self.model = model.to(self.device)
        if self.device == "cpu":  # compiled, plain attention is a quarter faster than sdpa here
            self.model.set_attn_implementation("eager")
        self.optimizers = optimizers(self.model, options.lr, options.muon)
        if options.resume and (out / "checkpoint.pt").exists():
            self._restore()
        # Another seed after a resume: fresh documents, not those of the first sitting.
        row_seed = options.random_seed + 1000 + self.step + 1_000_000 * rank
        self.rows = Rows(self.tokenizer, row_seed, options.batch // options.processes)
        self.forward = torch.compile(self._loss, dynamic=False) if options.compile else self._loss

    def _restore(self) -> None:
        import torch

        state = torch.load(self.out / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]

    def save(self) -> None:
        """Write the checkpoint and the model in 16 bits."""
        import torch

        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        torch.save(state, self.out / "checkpoint.tmp")
        (self.out / "checkpoint.tmp").replace(self.out / "checkpoint.pt")
        export(self.model, self.out)

    def _loss(self, rows: Any, weights: Any) -> tuple[Any, Any]:
        """Return the weighted loss, which is trained, and the plain one, which is logged."""
        import torch
        from torch.nn.functional import cross_entropy

        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(input_ids=rows[:, :-1], use_cache=False).logits
        losses = cross_entropy(
            logits.float().flatten(0, 1), rows[:, 1:].flatten(), reduction="none"
        )
        weights = weights[:, 1:].flatten()
        return (losses * weights).sum() / weights.sum(), losses.detach().mean()

    def done(self) -> float:
        """Return the share of the run that is over, by the clock of process 0."""
        import torch
        from torch import distributed

        if self.options.tokens:
            return float(self.tokens / self.options.tokens)
        share = torch.tensor(self.seconds / (60 * self.options.minutes), dtype=torch.float64)
        if distributed.is_initialized():
            distributed.broadcast(share, 0)
        return float(share)

    def _average_gradients(self) -> None:
        import torch
        from torch import distributed

        if not distributed.is_initialized():
            return
        grads = [p.grad for p in self.model.parameters()]
        flat = torch.cat([grad.flatten() for grad in grads]) / self.options.processes
        distributed.all_reduce(flat)
        parts = flat.split([grad.numel() for grad in grads])
        for grad, part in zip(grads, parts, strict=True):
            grad.copy_(part.view_as(grad))

    def update(self, done: float) -> float:
        """Train on one batch and return its loss."""
        import torch

        batch = self.rows.batch(self.tokens, done)
        rows, weights = (torch.from_numpy(part).to(self.device) for part in batch)
        weighted, loss = self.forward(rows, weights)
        weighted.backward()
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        factor = schedule(self.step, done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * factor
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.tokens += rows[:, 1:].numel() * self.options.processes
        return float(loss)

    def train(self) -> None:
        """Train to the end, with a log line and a checkpoint every few minutes."""
        from selfspec_nano.copytest import copy_scores

        losses: list[float] = []
        last, saved = time.monotonic(), self.seconds
        while (done := self.done()) < 1:
            losses.append(self.update(done))
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            last_step = self.done() >= 1
            if self.rank == 0 and (self.seconds - saved >= 60 * self.options.every or last_step):
                self.save()
                self.model.eval()
                scores = copy_scores(self.model, self.tokenizer, size=16)
                self.model.train()
                rate = len(losses) * self.options.batch / (self.seconds - saved)
                self.log(sum(losses[-100:]) / len(losses[-100:]), rate, scores)
                last, saved, losses = time.monotonic(), self.seconds, []

    def log(self, loss: float, rate: float, scores: dict[str, float]) -> None:
        """Append a line to ``log.jsonl``: progress, mean loss of 100 steps, copy test."""
        line = {
            "step": self.step,
            "tokens": self.tokens,
            "minutes": round(self.seconds / 60, 1),
            "loss": round(loss, 3),
            "tokens_per_second": round(rate),
            "copy": scores,
        }
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def export(model: Any, out: Path) -> None:
    """Write config, weights in bfloat16 and generation settings to a folder."""
    import copy

    import torch

    half = copy.deepcopy(model).to("cpu", torch.bfloat16)
    half.generation_config.pad_token_id = 1
    aside = out / "exporting"
    half.save_pretrained(aside)
    for path in aside.iterdir():
        shutil.move(path, out / path.name)
    aside.rmdir()
