"""Greedy and sampled answers of a small model to many prompts at once."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def complete(
    model: Any,
    tokenizer: "Tokenizer",
    prompts: list[str],
    new_tokens: int = 32,
    stop: str = "\n",
    temperature: float = 0.0,
    top_p: float = 0.98,
    batch: int = 32,
) -> list[str]:
    """Return one completion a prompt, cut before ``stop``.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        prompts: the prompts.
        new_tokens: most tokens of a completion.
        stop: text that ends a completion.
        temperature: 0 for greedy.
        top_p: nucleus of the sampling.
        batch: prompts in a batch.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    found = [""] * len(prompts)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        rows = [tokenizer.encode(prompts[i]).ids for i in part]
        texts = _batch(model, tokenizer, rows, new_tokens, stop, temperature, top_p)
        for i, text in zip(part, texts, strict=True):
            found[i] = text
    return found


def _batch(
    model: Any,
    tokenizer: "Tokenizer",
    rows: list[list[int]],
    new_tokens: int,
    stop: str,
    temperature: float,
    top_p: float,
) -> list[str]:
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[1] * (width - len(row)) + row for row in rows]).to(model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]).to(ids)
    sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    with torch.no_grad():
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=new_tokens,
            eos_token_id=[0, *_stop_ids(tokenizer, stop)],
            pad_token_id=1,
            **(sampling if temperature else {"do_sample": False}),
        )
    texts = [tokenizer.decode(row[width:].tolist()) for row in output]
    return [text.split(stop)[0].strip() for text in texts]


def _stop_ids(tokenizer: "Tokenizer", stop: str) -> list[int]:
    ids = tokenizer.encode(stop).ids
    return ids if len(ids) == 1 else []
