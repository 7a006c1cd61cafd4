"""Specialists written and read back, and damage that must not pass."""

from __future__ import annotations

import json
import re

import pytest
import tiny_models
import tiny_runs
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.plugins import PluginHost
from selfspec_core.specialists import open_specialist

FORMATS = [
    ("adapter", None),
    ("merged", "f32"),
    ("merged", "bf16"),
    ("merged", "f16"),
    ("gguf", "f32"),
    ("gguf", "f16"),
    ("gguf", "q8_0"),
    ("ollama", "f16"),
    ("ollama", "q8_0"),
]
FILES = {"adapter": "adapter_model.safetensors", "merged": "model.safetensors"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the finished run `tiny` of a Llama."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_runs.build(folder)
    return folder


@pytest.fixture
def export(home, tmp_path, monkeypatch):
    """Calls the command for a run; returns its result and where it was to write."""
    pytest.importorskip("gguf")

    def call(to, precision=None, *more, at=home):
        monkeypatch.chdir(at)
        out = tmp_path / "out"
        flags = ["--quantize", precision] if precision else []
        words = ["export", "tiny", "--to", to, "--out", str(out), *flags, *more]
        return CliRunner().invoke(cli, words), out

    return call


def test_the_help_names_every_precision():
    host = PluginHost()
    host.load_defaults("exporters")
    said = " ".join(CliRunner().invoke(cli, ["export", "--help"]).output.split())
    with_choice = [cls for _, cls in host.offered("exporters") if cls.precisions]
    assert {cls.name for cls in with_choice} == {"merged", "gguf", "ollama"}
    for cls in with_choice:
        assert re.search(rf"{cls.name}\b[^:]*: {', '.join(cls.precisions)}[;.]", said), cls.name


@pytest.mark.parametrize(("to", "precision"), FORMATS)
def test_what_is_written_is_the_trained_model(export, to, precision):
    result, out = export(to, precision)
    assert result.exit_code == 0, result.exception
    lines = result.stdout.splitlines()
    assert lines[0] == str(out) and lines[1].startswith("20 prompts replayed: ")
    report = json.loads((out / "export.json").read_text())
    parity = report["parity"]
    assert report["format"] == to and report["system"] == "specialized" and report["run"] == "tiny"
    assert parity["prompts"] == 20 and parity["tokens"] >= 100
    assert parity["largest_difference"] <= parity["tolerance"]
    if precision in (None, "f32"):
        assert parity["near_ties"] == 0 and parity["largest_difference"] < 1e-3
    assert (out / "README.md").read_text().count("replayed") == 1
    assert {path.name for path in out.parent.iterdir()} == {"out"}


def _perturb_safetensors(path):
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    name = sorted(weights)[len(weights) // 2]
    weights[name] = weights[name] + 0.3 * weights[name].float().std().to(weights[name].dtype)
    save_file(weights, path, metadata={"format": "pt"})


def _perturb_gguf(path):
    import gguf

    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path, "r+").tensors}
    data = tensors["blk.1.ffn_down.weight"].data
    data[:] = data[::-1].copy()  # its rows the other way round
    data.flush()


def _perturb(out):
    for file in out.iterdir():
        if file.name in FILES.values():
            _perturb_safetensors(file)
        elif file.suffix == ".gguf":
            _perturb_gguf(file)


@pytest.mark.parametrize(("to", "precision"), FORMATS)
def test_one_damaged_tensor_fails_the_export(export, tmp_path, monkeypatch, to, precision):
    from selfspec_plugins.export import trained

    with_other, release = trained.Trained.with_other, trained.Trained.release

    def damaged_adapter(self, adapter):
        _perturb(adapter)
        return with_other(self, adapter)

    def damaged_model(self):
        release(self)
        _perturb(tmp_path / ".out.tmp")

    monkeypatch.setattr(trained.Trained, "with_other", damaged_adapter)
    monkeypatch.setattr(trained.Trained, "release", damaged_model)
    result, out = export(to, precision)
    assert isinstance(result.exception, SelfspecError) and result.exception.exit_code == 1
    assert f"{to}: prompt " in str(result.exception) and "of the answer: " in str(result.exception)
    assert list(out.parent.iterdir()) == []  # neither under its name nor beside it


def test_a_damaged_tensor_is_named_before_anything_is_replayed(export, monkeypatch):
    from selfspec_plugins.export import gguf_file

    write = gguf_file.write

    def damaged(path, *rest):
        notes = write(path, *rest)
        _perturb_gguf(path)
        return notes

    monkeypatch.setattr(gguf_file, "write", damaged)
    result, out = export("gguf", "q8_0")
    assert str(result.exception) == (
        "gguf: tensor blk.1.ffn_down.weight in the file is not the model's"
    )
    assert not out.exists()


def test_a_wrong_modelfile_fails_the_export(export, monkeypatch):
    from selfspec_plugins.export import modelfile

    write = modelfile.write
    for wrong, said in (
        (lambda text: text.replace("Response", "Reply", 1), "read as other tokens"),
        (
            lambda text: text.replace('stop """###"""', 'stop """##"""'),
            "the Modelfile's parameters",
        ),
        (lambda text: text.replace("FROM", "FORM"), "cannot be read from character 0"),
    ):
        monkeypatch.setattr(modelfile, "write", lambda file, wrong=wrong: wrong(write(file)))
        result, out = export("ollama")
        assert said in str(result.exception) and not out.exists()


@pytest.mark.parametrize("variant", list(tiny_runs.LLAMAS))
def test_llamas_of_every_build_come_back_from_gguf(export, tmp_path, variant):
    tiny_runs.build(tmp_path / "home", tiny_runs.LLAMAS[variant]())
    result, out = export("gguf", "f32", at=tmp_path / "home")
    assert result.exit_code == 0, result.exception
    parity = json.loads((out / "export.json").read_text())["parity"]
    assert parity["largest_difference"] < 1e-3 and parity["near_ties"] == 0
    said = "attention biases are in the file"
    assert (said in result.stdout) == (said in (out / "README.md").read_text().replace("A", "a"))
    assert (said in result.stdout) == (variant == "biases")


def test_a_chat_model_is_asked_in_its_template(export, tmp_path):
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_models.tokenizer()
    tokenizer = type(tokenizer)(
        tokenizer_object=type(tokenizer.backend_tokenizer).from_str(
            tokenizer.backend_tokenizer.to_str()
        ),
        eos_token="<|end|>",
        bos_token="<|end|>",
    )
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|end|> $A", special_tokens=[("<|end|>", 0)]
    )
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}User: {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}You: {% endif %}"
    )
    tiny_runs.build(tmp_path / "home", "llama", tokenizer)
    result, out = export("ollama", "f32", at=tmp_path / "home")
    assert result.exit_code == 0, result.exception
    assert '"""User: ### Instruction:\n{{ .Prompt }}' in (out / "Modelfile").read_text()


def test_any_architecture_is_merged_and_only_llamas_become_gguf(export, tmp_path):
    tiny_runs.build(tmp_path / "home", "gpt2")
    result, out = export("merged", at=tmp_path / "home")
    assert result.exit_code == 0, result.exception
    result, _ = export("gguf", at=tmp_path / "home")
    assert "exists already" in str(result.exception)
    out.rename(tmp_path / "merged")
    result, out = export("gguf", at=tmp_path / "home")
    assert isinstance(result.exception, UsageError) and "this is 'gpt2'" in str(result.exception)
    assert not out.exists()


def test_a_tokenizer_that_gguf_cannot_hold_is_refused(export, tmp_path):
    tiny_runs.build(tmp_path / "home", "llama", tiny_models.tokenizer(metaspace=True))
    result, out = export("gguf", at=tmp_path / "home")
    assert isinstance(result.exception, UsageError) and "decoder Metaspace" in str(result.exception)
    assert not out.exists()


def test_another_base_than_the_run_was_tuned_on_is_refused(export, tmp_path):
    run = tiny_runs.build(tmp_path / "home")
    journal = run / "round-1/commits.jsonl"
    load = {
        "stage": "load",
        "batch": 0,
        "model": "transformers",
        "is": {"name": "base", "weights": {"model.safetensors": "0" * 16}},
        "sizes": {},
    }
    journal.write_text(json.dumps(load) + "\n" + journal.read_text())
    result, out = export("merged", at=tmp_path / "home")
    assert "model.safetensors is not what tiny was tuned on" in str(result.exception)
    assert not out.exists()


def test_without_the_package_it_says_what_to_install(export, monkeypatch):
    from selfspec_plugins.export import gguf_format

    monkeypatch.setattr(gguf_format, "find_spec", lambda name: None)
    result, _ = export("gguf")
    assert "pip install 'selfspec[export]'" in str(result.exception)
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize(
    ("to", "flags", "said"),
    [
        ("ggml", (), "no exporter is called 'ggml'; did you mean 'gguf'?"),
        ("gguf", ("--quantize", "q8"), "did you mean 'q8_0'?"),
        ("adapter", ("--quantize", "f16"), "this format has no choice"),
        ("adapter", ("--push", "a/b/c"), "expected the name of a repository"),
        ("adapter", ("--push", "me/x"), "no token of the hub; set HF_TOKEN"),
    ],
)
def test_wrong_usage_is_one_line(export, monkeypatch, to, flags, said):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    result, out = export(to, None, *flags)
    assert isinstance(result.exception, UsageError) and said in str(result.exception)
    assert not out.exists()


class Hub:
    """Stands for the hub's client and notes what it is asked."""

    asked: list[tuple[str, dict[str, object]]]
    error: Exception | None = None

    def create_repo(self, repo, **options):
        if self.error:
            raise self.error
        Hub.asked.append((repo, options))
        return type("Url", (str,), {"repo_id": repo})(f"https://hub.example/{repo}")

    def upload_folder(self, **options):
        Hub.asked.append(("upload", options))


def test_it_is_pushed_when_it_has_been_proven(export, monkeypatch):
    Hub.asked, Hub.error = [], None
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "secret")
    result, out = export("adapter", None, "--push", "me/x")
    assert result.exit_code == 0 and result.stdout.endswith("https://hub.example/me/x\n")
    assert "secret" not in result.output
    assert Hub.asked == [
        ("me/x", {"private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/x", "folder_path": out, "commit_message": "selfspec export"}),
    ]


def test_a_hub_that_refuses_leaves_the_export(export, monkeypatch):
    Hub.asked, Hub.error = [], ConnectionError("401 Unauthorized\nlong story")
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "secret")
    result, out = export("adapter", None, "--push", "me/x")
    said = f"--push me/x: 401 Unauthorized; the export stays in {out}"
    assert str(result.exception) == said and (out / "export.json").exists()


def test_a_mismatch_is_not_pushed(export, monkeypatch):
    from selfspec_plugins.export import trained

    Hub.asked, Hub.error = [], None
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "secret")
    with_other = trained.Trained.with_other

    def damaged(self, adapter):
        _perturb(adapter)
        return with_other(self, adapter)

    monkeypatch.setattr(trained.Trained, "with_other", damaged)
    result, _ = export("adapter", None, "--push", "me/x")
    assert result.exception is not None and Hub.asked == []


@pytest.mark.parametrize("to", ["adapter", "merged", "gguf", "ollama"])
def test_an_interrupted_export_leaves_nothing(export, monkeypatch, to):
    from selfspec_plugins.export import parity

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(parity, "_differ", stopped)
    result, out = export(to)
    assert str(result.exception) == "interrupted; nothing was left behind"
    assert result.exception.exit_code == 130 and list(out.parent.iterdir()) == []


def test_it_lies_in_the_run_by_default(home, monkeypatch):
    monkeypatch.chdir(home)
    result = CliRunner().invoke(cli, ["export", "tiny", "--to", "merged", "--quantize", "f16"])
    assert result.exit_code == 0 and result.stdout.startswith("runs/tiny/export/merged-f16\n")
    found = home / "runs/tiny/export/merged-f16"
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert AutoModelForCausalLM.from_pretrained(found).dtype.itemsize == 2
    assert AutoTokenizer.from_pretrained(found)("yes")["input_ids"]


def test_the_specialist_is_the_one_that_did_better_on_dev(home, tmp_path, monkeypatch):
    import shutil

    run = tmp_path / "runs/tiny"
    shutil.copytree(home / "runs/tiny", run, ignore=shutil.ignore_patterns("export"))
    shutil.copytree(run / "round-1/adapter", run / "round-1/preferred")
    journal = run / "round-1/commits.jsonl"
    journal.write_text(
        journal.read_text() + journal.read_text().replace('"specialized"', '"preferred"')
    )
    monkeypatch.chdir(tmp_path)
    assert open_specialist("tiny").system == "specialized"
    scores = {"layouts": {"best": "question"}, "sets": {}, "round": 1, "proposed": 0, "accepted": 0}
    scores |= {"rejected": {}, "reasons": {}, "tasks": {}}
    for better in ("specialized", "preferred"):
        manifest = json.loads((run / "manifest.json").read_text())
        manifest["rounds"] = [{"round": 1, "system": f"{better}@0"}]
        (run / "manifest.json").write_text(json.dumps(manifest))
        (run / "round-1/scores.json").write_text(json.dumps(scores))
        found = open_specialist("tiny")
        assert found.system == better
        assert found.adapter.name == {"specialized": "adapter"}.get(better, better)
        assert found.base_layout(found.model()).name == "question"


def _splitting_by(pattern):
    """Returns the tiny tokenizer with a pattern of its own."""
    from tokenizers import Regex, pre_tokenizers

    tokenizer = tiny_models.tokenizer()
    backend = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    return type(tokenizer)(tokenizer_object=backend, eos_token="<|end|>", bos_token="<|end|>")


def test_golden_prompts_that_llama_cpp_would_read_otherwise_fail(export, tmp_path):
    tiny_runs.build(tmp_path / "home", "llama", _splitting_by("."))  # nothing is ever merged
    result, out = export("gguf", at=tmp_path / "home")
    assert "read as other tokens from place" in str(result.exception) and not out.exists()


def test_other_texts_that_it_would_read_otherwise_are_counted(export, tmp_path):
    from selfspec_plugins.export.gguf_tokens import PATTERNS

    own = _splitting_by(" ca(?=pital letters)|" + PATTERNS["gpt-2"][0])
    run = tiny_runs.build(tmp_path / "home", "llama", own)
    last = {**tiny_runs.seed(24), "input": "Write the name in capital letters."}
    for file in (run / "seeds.jsonl", tmp_path / "home/seeds.jsonl"):
        file.write_text(file.read_text() + json.dumps(last) + "\n")
    result, out = export("gguf", at=tmp_path / "home")
    assert result.exit_code == 0, result.exception
    assert "it reads 1 of 45 texts of the run as other tokens" in result.stdout
    assert json.loads((out / "export.json").read_text())["tokenizer"]["otherwise"] == 1
