"""Optimizers and learning rates of pretraining."""

from typing import Any

from selfspec_nano.initialise import is_structured

WARM_UP = 50


def schedule(step: int, done: float) -> float:
    """Return the factor on the learning rate: warm-up, constant to 72 %, linear to 2 %."""
    return min(1.0, (step + 1) / WARM_UP) * (1.0 if done < 0.72 else max(0.02, (1 - done) / 0.28))


def optimizers(model: Any, lr: float, muon: bool) -> list[Any]:
    """Return the optimizers; each group remembers its own rate in ``base``.

    Matrices outside the structured layers go to Muon (https://kellerjordan.github.io/posts/muon/)
    if asked for, everything else to AdamW; the structured layers learn at 0.3 of the rate.
    """
    import torch

    named = list(model.named_parameters())
    slow = [p for n, p in named if is_structured(n)]
    matrices = [
        p for n, p in named if muon and p.ndim == 2 and not is_structured(n) and "embed" not in n
    ]
    taken = {id(p) for p in slow + matrices}
    rest = [p for _, p in named if id(p) not in taken]
    groups = [{"params": rest, "lr": lr}, {"params": slow, "lr": lr * 0.3}]
    if matrices and not torch.cpu._is_avx512_bf16_supported() and not torch.cuda.is_available():
        _orthogonalize_in_fp32()
    found: list[Any] = [torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]
    if matrices:
        found.append(
            torch.optim.Muon(
                matrices, lr=1.6 * lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
            )
        )
    for optimizer in found:
        for group in optimizer.param_groups:
            group["base"] = group["lr"]
    return found


def _orthogonalize_in_fp32() -> None:
    """Have Muon orthogonalize in fp32 rather than bf16.

    A CPU without instructions for bf16 multiplies such matrices some 80 times more slowly.
    """
    from torch.optim import _muon

    muon: Any = _muon

    def orthogonal(grad: Any, coefficients: tuple[float, ...], steps: int, eps: float) -> Any:
        a, b, c = coefficients
        tall = grad.size(0) > grad.size(1)
        x = grad.T if tall else grad
        x = x / x.norm().clamp(min=eps)
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if tall else x

    muon._zeropower_via_newtonschulz = orthogonal
