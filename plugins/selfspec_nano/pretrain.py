"""Pretraining of nano: ``python -m selfspec_nano.pretrain --minutes 75 --processes 2``.

Every process trains on documents of its own and all of them take the same steps: gradients are
averaged. On CPUs two processes of one thread each are faster than two threads, and steadier.
"""

import argparse
import datetime
from pathlib import Path

from selfspec_nano import corpus, tokenizer
from selfspec_nano.training import Run

TOKENIZER_CHARACTERS = 12_000_000


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.pretrain", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("nano"), help="folder to write")
    parser.add_argument("--minutes", type=float, default=75, help="time to train")
    parser.add_argument("--tokens", type=int, help="tokens to train on, instead of --minutes")
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--start", type=Path, help="folder of a model to go on from")
    parser.add_argument("--every", type=float, default=5, help="minutes between checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4096, help="tokens in a step")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--muon", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--inner", type=int, default=512)
    parser.add_argument("--processes", type=int, default=1, help="that share the work")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.start:
        tokenizer.wrap(tokenizer.load(options.start)).save_pretrained(options.out)
    elif not (options.resume and (options.out / "tokenizer.json").exists()):
        texts = corpus.sample(options.random_seed + 7, TOKENIZER_CHARACTERS)
        tokenizer.wrap(tokenizer.train(texts)).save_pretrained(options.out)
    if options.processes == 1:
        work(0, options, None)
        return
    import tempfile

    from torch.multiprocessing.spawn import spawn

    with tempfile.TemporaryDirectory() as meeting:
        address = f"file://{meeting}/file"
        spawn(work, (options, address), options.processes)


def work(rank: int, options: argparse.Namespace, meeting: str | None) -> None:
    """Train in one of the processes, which find each other through the address ``meeting``."""
    import torch
    from torch import distributed

    torch.set_num_threads(options.threads)
    if meeting:
        wait = datetime.timedelta(minutes=30)
        distributed.init_process_group(
            "gloo", init_method=meeting, rank=rank, world_size=options.processes, timeout=wait
        )
    Run(options.out, options, rank).train()


if __name__ == "__main__":
    main()
