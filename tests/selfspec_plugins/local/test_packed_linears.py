"""Linear layers through oneDNN give what torch gives, and notice when their weights change."""

import copy

import pytest
import torch

from selfspec_plugins.local import packed_linears
from selfspec_plugins.local.packed_linears import Packed, pack_linears


@pytest.fixture
def layer() -> torch.nn.Linear:
    torch.manual_seed(1)
    return torch.nn.Linear(48, 80)


@pytest.fixture
def any_size(monkeypatch):
    monkeypatch.setattr(packed_linears, "LEAST", 0)


INPUTS = {
    "a row": lambda: torch.randn(48),
    "no row": lambda: torch.randn(0, 3, 48),
    "one token": lambda: torch.randn(5, 1, 48),
    "many tokens": lambda: torch.randn(3, 71, 48),
    "the last token of each": lambda: torch.randn(4, 7, 48)[:, -1:],
    "every other column": lambda: torch.randn(4, 96)[:, ::2],
    "turned": lambda: torch.randn(48, 9).t(),
}


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("make", INPUTS.values(), ids=INPUTS)
def test_it_is_what_torch_makes_of_any_rows(layer, make, copied):
    rows = make()
    with torch.inference_mode():
        wanted = layer(rows)
        found = Packed(layer, copied=copied)(rows)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted)


def test_changed_weights_are_laid_out_anew(layer):
    rows, packed = torch.randn(3, 48), Packed(layer)
    with torch.no_grad():
        before = packed(rows)
        layer.weight.mul_(2)
        torch.testing.assert_close(packed(rows), torch.nn.Linear.forward(layer, rows))
        layer.weight.data = layer.weight.data + 1  # as peft merges an adapter
        torch.testing.assert_close(packed(rows), torch.nn.Linear.forward(layer, rows))
    assert not torch.equal(before, torch.nn.Linear.forward(layer, rows))


def test_weights_that_take_the_place_of_freed_ones_are_laid_out_anew(layer):
    rows, packed, base = torch.randn(3, 48), Packed(layer), layer.weight.data
    with torch.no_grad():
        for number in range(8):  # as one adapter is merged after another: memory is used again
            layer.weight.data = base
            layer.weight.data = base + number
            torch.testing.assert_close(packed(rows), torch.nn.Linear.forward(layer, rows))


def test_weights_made_for_inference_are_left_to_torch():
    with torch.inference_mode():
        layer = torch.nn.Linear(48, 80)
        rows = torch.randn(3, 48)
        assert torch.equal(Packed(layer)(rows), layer(rows))


def test_gradients_are_the_layers_own(layer, any_size):
    rows = torch.randn(3, 48, requires_grad=True)
    torch.nn.Linear.forward(layer, rows).sum().backward()
    wanted, rows.grad = rows.grad, None
    assert pack_linears(layer) == 1
    layer(rows).sum().backward()
    assert torch.equal(rows.grad, wanted)


def test_a_copy_of_a_model_has_weights_of_its_own(layer, any_size):
    rows = torch.randn(3, 48)
    pack_linears(layer)
    with torch.no_grad():
        before = layer(rows)
        other = copy.deepcopy(layer)
        other.weight.zero_()
        assert torch.equal(layer(rows), before)
        torch.testing.assert_close(other(rows), layer.bias.expand(3, -1))


def test_a_layer_that_is_wrapped_by_an_adapter_is_still_packed(any_size, monkeypatch):
    from peft import LoraConfig, inject_adapter_in_model

    model = torch.nn.Sequential(torch.nn.Linear(48, 80), torch.nn.Linear(80, 8))
    pack_linears(model)
    calls = []
    real = packed_linears._multiply
    monkeypatch.setattr(
        packed_linears, "_multiply", lambda *given: calls.append(given) or real(*given)
    )
    model = inject_adapter_in_model(LoraConfig(target_modules=["0"]), model)
    with torch.no_grad():
        model(torch.randn(3, 48))
    assert len(calls) == 2  # the two layers, and not the adapter's own


def test_small_models_halves_and_torch_without_onednn_are_left_as_they_are(
    layer, monkeypatch, any_size
):
    assert pack_linears(copy.deepcopy(layer).to(torch.bfloat16)) == 0
    with monkeypatch.context() as patched:
        patched.setattr(packed_linears, "LEAST", layer.weight.nbytes + 1)
        assert pack_linears(layer) == 0
    with monkeypatch.context() as patched:
        patched.setattr(packed_linears, "_laid_out", lambda weight: torch.ops.mkldnn.no_such)
        assert pack_linears(layer) == 0
    assert "forward" not in vars(layer)
    assert pack_linears(layer) == 1


def test_weights_beyond_the_limit_are_not_held_twice(layer, any_size, monkeypatch):
    monkeypatch.setattr(packed_linears, "MOST", 1)
    monkeypatch.setattr(packed_linears, "_laid_out", lambda weight: pytest.fail("laid out"))
    monkeypatch.setattr(packed_linears, "_works", lambda: True)
    pack_linears(layer)
    rows = torch.randn(3, 48)
    with torch.no_grad():
        torch.testing.assert_close(layer(rows), torch.nn.Linear.forward(layer, rows))
