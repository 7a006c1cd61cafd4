"""The router: who it sends a token to, and what learns while it is trained."""

from __future__ import annotations

import json

import pytest
import tiny_models
import tiny_runs

from selfspec_core.config import ModelSettings
from selfspec_core.errors import SelfspecError
from selfspec_core.model_types import Sampling

EXPERTS = ("one", "two", "three")
RANKS = {"one": 4, "two": 2, "three": 6}
PROMPTS = ["The court held that", "Aspirin inhibits", "Name the capital.\nFrance\n"]


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def home(request, tmp_path_factory):
    """A base and three runs whose adapters differ, in rank too."""
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny_models.build(folder / "base", request.param)
    own = {"fan_in_fan_out": True} if request.param == "gpt2" else {}
    for draw, name in enumerate(EXPERTS, 1):
        tiny_runs.add_run(folder, name, base, draw, r=RANKS[name], lora_alpha=4 * draw, **own)
    return folder


@pytest.fixture(scope="module")
def model(home):
    """The base, loaded."""
    import torch

    from selfspec_plugins.local.transformers_model import TransformersModel

    torch.set_num_threads(1)
    made = TransformersModel(ModelSettings(path=home / "base", processes=1))
    made.load()
    return made


@pytest.fixture(scope="module")
def context(model, home):
    """A context of the base, in the layout of the runs."""
    from selfspec_core import Context
    from selfspec_core.config import Settings

    settings = Settings.model_validate({"training": {"layout": "alpaca"}})
    return Context("adhoc", model, settings, [])


@pytest.fixture(scope="module")
def experts(home):
    from selfspec_core import Example, Expert

    rows = [[Example.from_dict(tiny_runs.example(name, n)) for n in range(8)] for name in EXPERTS]
    return [
        Expert(name, home / f"runs/{name}/round-1/adapter", own)
        for name, own in zip(EXPERTS, rows, strict=True)
    ]


@pytest.fixture(scope="module")
def composed(experts, context, tmp_path_factory):
    """Folder of a mixture, trained for a few steps."""
    from selfspec_plugins.compose.mixture import Mixture, MixtureSettings

    out = tmp_path_factory.mktemp("mixture")
    made = Mixture(MixtureSettings(epochs=2, batch=8)).compose(experts, out, context)
    assert made.steps == 6 and made.rows == 24 and made.tokens > 24
    return out


def forced(composed, at, folder):
    """Returns a copy of a mixture whose router always chooses the expert at a place."""
    import shutil

    import torch

    from selfspec_plugins.compose.router import Router

    shutil.copytree(composed, folder)
    router = Router.load(folder)
    router.weight.zero_()
    router.bias = torch.nn.functional.one_hot(torch.tensor(at), 3).float()
    router.save(folder)
    return folder


def logits(model, adapter):
    import torch

    model.use_adapter(adapter)
    try:
        with torch.inference_mode():
            return [model.hf(input_ids=torch.tensor([row])).logits for row in model.encode(PROMPTS)]
    finally:
        model.use_adapter(None)


def gap(ours, theirs):
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def test_a_router_forced_to_an_expert_gives_that_adapter_alone(model, composed, experts, tmp_path):
    base = logits(model, None)
    for at, expert in enumerate(experts):
        folder = forced(composed, at, tmp_path / expert.name)
        alone = logits(model, expert.adapter)
        assert gap(logits(model, folder), alone) < 1e-4
        assert gap(alone, base) > 0.1  # or it would be no test
        for other in experts:
            if other is not expert:
                assert gap(logits(model, other.adapter), alone) > 0.1
    assert gap(logits(model, None), base) == 0


def test_each_token_is_sent_to_one_expert_by_its_own_states(model):
    import torch

    from selfspec_plugins.compose.router import Router

    router = Router.new(RANKS, 8, 0, "cpu")
    states = torch.randn(2, 50, 8)
    mask = router.mask(states)
    wanted = (states @ router.weight.T + router.bias).argmax(-1)
    owner = torch.tensor([0] * 4 + [1] * 2 + [2] * 6)
    assert torch.equal(mask, owner == wanted[..., None])
    assert wanted.unique().tolist() == [0, 1, 2]


def test_what_is_trained_is_the_router_alone(model, experts, context):
    import torch

    from selfspec_plugins.compose.router import Router
    from selfspec_plugins.compose.stacking import COMBINED, combined

    def combine(peft, names):
        weights = [1.0] * len(names)
        peft.base_model.add_weighted_adapter(names, weights, COMBINED, combination_type="cat")

    with combined(experts, context, combine) as peft:
        router = Router.new(RANKS, model.hf.config.hidden_size, 0, "cpu")
        router.hang_onto(peft, COMBINED)
        router.weight.requires_grad_()
        router.bias.requires_grad_()
        ids = torch.tensor(model.encode(PROMPTS[:1]))
        model.hf(input_ids=ids).logits.logsumexp(-1).sum().backward()
        assert router.weight.grad.abs().sum(1).gt(0).all()  # every expert's row, chosen or not
        assert router.bias.grad.abs().sum() > 0
        assert not any(one.requires_grad or one.grad is not None for one in peft.parameters())


def test_training_lowers_the_loss_and_leaves_the_base_as_it_was(model, experts, context, tmp_path):
    import torch

    from selfspec_plugins.compose.mixture import Mixture, MixtureSettings

    before = {name: one.clone() for name, one in model.hf.state_dict().items()}
    made = Mixture(MixtureSettings(epochs=20, batch=8, lr=0.05)).compose(experts, tmp_path, context)
    first, last = made.loss
    assert last < first
    after = model.hf.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    assert all(one.grad is None for one in model.hf.parameters())
    shares = json.loads((tmp_path / "routing.json").read_text())
    assert list(shares) == list(EXPERTS)
    assert all(sum(one.values()) == pytest.approx(1, abs=1e-3) for one in shares.values())


def test_a_training_that_diverges_is_said_and_leaves_nothing(experts, context, tmp_path):
    from selfspec_plugins.compose.mixture import Mixture, MixtureSettings

    wild = Mixture(MixtureSettings(epochs=4, batch=8, lr=3e37))
    with pytest.raises(SelfspecError) as caught:
        wild.compose(experts, tmp_path, context)
    assert str(caught.value).startswith("mixture: the loss of step ")
    assert str(caught.value).endswith("a smaller learning rate (components.mixture.lr) may help")
    assert not list(tmp_path.iterdir())


def test_a_router_that_is_no_number_is_not_saved(composed, tmp_path):
    from selfspec_plugins.compose.router import Router

    router = Router.load(composed)
    router.bias[0] = float("nan")
    with pytest.raises(SelfspecError, match="weights of the router are NaN or infinite"):
        router.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_same_seed_gives_the_same_bytes(model, experts, context, composed, tmp_path):
    from selfspec_plugins.compose.mixture import Mixture, MixtureSettings

    Mixture(MixtureSettings(epochs=2, batch=8)).compose(experts, tmp_path, context)
    for file in composed.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_generation_with_a_shared_prefix_goes_through_the_router(
    model, composed, experts, tmp_path
):
    """The engine's batches, padding and cache give each row what it gets alone."""
    prompts = ["Rates rose by 25 basis points. " * 3 + end for end in PROMPTS]
    sampling = Sampling(max_new_tokens=8)
    model.use_adapter(composed)
    together = model.generate(prompts, sampling)
    assert together == [model.generate([prompt], sampling)[0] for prompt in prompts]
    model.use_adapter(None)


def test_peft_alone_can_load_a_mixture(home, composed, model):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from selfspec_plugins.compose.router import attach_router

    base = AutoModelForCausalLM.from_pretrained(home / "base", dtype=torch.float32)
    theirs = PeftModel.from_pretrained(base, composed).eval()
    assert attach_router(theirs, composed) == list(EXPERTS)
    with torch.inference_mode():
        said = [theirs(input_ids=torch.tensor([row])).logits for row in model.encode(PROMPTS)]
    assert gap(said, logits(model, composed)) < 1e-5


def test_a_damaged_router_is_named(model, composed, tmp_path):
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(composed, folder)
    (folder / "router.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(SelfspecError, match=r"router.safetensors: no router"):
        model.use_adapter(folder)
    model.use_adapter(None)


@pytest.mark.parametrize("kind", ["ties", "dare"])
def test_merges_are_plain_adapters_that_weigh_as_they_are_told(
    kind, model, home, context, tmp_path
):
    from selfspec_core import Expert
    from selfspec_plugins.compose.merges import Dare, MergeSettings, Ties

    for draw, name in enumerate(("four", "five"), 1):
        if not (home / f"runs/{name}").exists():
            own = {"fan_in_fan_out": True} if model.hf.config.model_type == "gpt2" else {}
            tiny_runs.add_run(home, name, home / "base", 10 + draw, **own)
    pair = [Expert(n, home / f"runs/{n}/round-1/adapter", ()) for n in ("four", "five")]
    cls = {"ties": Ties, "dare": Dare}[kind]
    found = {}
    for weight in (0.001, 1.0):
        out = tmp_path / str(weight)
        out.mkdir()
        composer = cls(MergeSettings(weight=weight))
        composer.check(pair, context)
        composer.compose(pair, out, context)
        assert composer.describe(out)["weight"] == weight
        found[weight] = gap(logits(model, out), logits(model, None))
    assert found[0.001] < 0.05 * found[1.0]
    assert len(cls().choices(pair)) == 3
