"""The structured start: attention that can copy from the first step on.

A small model that starts at random does not learn to copy within tens of millions of tokens. Here
layer 0 starts with heads that look one, two and three tokens back, and layer 1 with heads that look
for an earlier place with the same one, two or three last tokens and copy what followed there (an
induction circuit, https://arxiv.org/abs/2209.11895). All of it is trained like the rest.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

ROPE_THETA = 1e5
CONTEXT = 1024
LOOK_BACK = 5.7
"""Size of the query and key biases that make a head attend a fixed number of tokens back."""
MATCH = 1.6
"""Gain of the queries and keys that compare contexts."""
OLDER = 0.6
"""Weight of the second and third last token against the last one in a comparison."""
WRITE, COPY = 0.16, 0.6
"""Output gains of the look-back heads and of the copying heads."""
SLOW = 0.06
"""Radians per token under which a rotary frequency counts as insensitive to distance."""


@dataclass(frozen=True)
class Shape:
    """The size of a model."""

    vocabulary: int = 4096
    width: int = 192
    layers: int = 6
    inner: int = 512
    head: int = 32


def build(shape: Shape, random_seed: int = 0) -> "LlamaForCausalLM":
    """Return a new Llama of this shape with the structured start."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(random_seed)
    heads = shape.width // shape.head
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=shape.head,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        attention_bias=True,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(0, 0.08 * (128 / shape.width) ** 0.5)
        _structure(model, shape)
    return model


def _structure(model: Any, shape: Shape) -> None:
    import torch

    size, dim = shape.width, shape.head
    first, second = (model.model.layers[i].self_attn for i in (0, 1))
    read, write, copy = (torch.linalg.qr(torch.randn(size, size))[0] for _ in range(3))

    def rows(head: int) -> slice:
        return slice(head * dim, (head + 1) * dim)

    for head, offset in enumerate((1, 1, 2, 3)):
        _look_back(first, rows(head), offset, dim)
        source = head if head < 2 else 1  # the later heads carry what head 1 carries, from further
        first.v_proj.weight[rows(head)] = read[rows(source)]
        first.o_proj.weight[:, rows(head)] = WRITE * write[rows(head)].T
    frequencies = ROPE_THETA ** (-torch.arange(0, dim, 2).float() / dim)
    slow = [i for i in range(dim // 2) if frequencies[i] < SLOW]
    for head, (base, length) in enumerate(((0, 1), (1, 2), (1, 3))):
        second.q_proj.weight[rows(head)] = 0
        second.k_proj.weight[rows(head)] = 0
        for j, d in enumerate(slow + [i + dim // 2 for i in slow]):
            back = j % length  # this coordinate compares the tokens `back` places before the last
            query = OLDER * write[back * dim + j] if back else read[base * dim + j]
            key = write[(base + back) * dim + j]
            second.q_proj.weight[head * dim + d] = MATCH * query
            second.k_proj.weight[head * dim + d] = MATCH * key
        second.v_proj.weight[rows(head)] = copy[rows(head)]
        second.o_proj.weight[:, rows(head)] = COPY * copy[rows(head)].T


def _look_back(attention: Any, rows: slice, offset: int, dim: int) -> None:
    """Make a head attend ``offset`` tokens back, through the rotary phase of its biases."""
    import torch

    w = ROPE_THETA ** (-torch.arange(0, dim, 2).float() / dim)
    turned = torch.cat([torch.cos(w * offset), -torch.sin(w * offset)])
    attention.q_proj.bias[rows] = LOOK_BACK * turned
    attention.k_proj.bias[rows] = LOOK_BACK * torch.cat([torch.ones_like(w), torch.zeros_like(w)])
    attention.q_proj.weight[rows] *= 0.1
    attention.k_proj.weight[rows] *= 0.1


def is_structured(name: str) -> bool:
    """Return whether a parameter belongs to the structured layers, which learn more slowly."""
    return "layers.0.self_attn" in name or "layers.1.self_attn" in name
