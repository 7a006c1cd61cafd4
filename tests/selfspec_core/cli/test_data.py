"""Training data for other tools: what `datasets` loads is what the run accepted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from whole_runs import SMALL, finish

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.main import _explain
from selfspec_core.errors import UsageError
from selfspec_core.interchange.formats import FORMATS, file_of, read_export, write_rows
from selfspec_core.interchange.trainer_configs import as_yaml, axolotl, dataset_info, llamafactory
from selfspec_core.layouts import LAYOUTS
from selfspec_core.manifest import new_manifest
from selfspec_core.progress import Silent
from selfspec_core.report.keep import keep_seeds
from selfspec_core.runs import Run
from selfspec_core.types import Example, Seed

every_format = pytest.mark.parametrize("name", FORMATS)
TRAINING = {
    "training": {"lr": 3e-5, "batch": 12, "epochs": 2.0, "r": 4, "alpha": 32, "warmup": 0.1}
}


def make(path, *flags):
    assembly = assemble(Request("finance", model="scripted", set=(*SMALL, *flags)), Silent())
    run = Run.create(path, new_manifest(assembly, {"domain": "finance"}))
    keep_seeds(path, assembly.context.seeds)
    finish(run, assembly)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make(tmp_path_factory.mktemp("runs") / "one", TRAINING)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Returns `load(path, …)`: the rows that `datasets` reads, offline and in a new cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    def rows(path, **where):
        return load_dataset(str(path), split="train", cache_dir=str(tmp_path / "cache"), **where)

    return rows


def as_asked(row):
    return f"{row.instruction}\n\n{row.input}" if row.input else row.instruction


@every_format
@pytest.mark.parametrize("with_seeds", [False, True])
def test_datasets_loads_what_the_run_accepted(run, tmp_path, load, name, with_seeds):
    export = read_export(run.path, with_seeds=with_seeds)
    file = write_rows(export, name, tmp_path)
    rows = load("parquet" if name == "parquet" else "json", data_files=str(file))
    examples = [Example.from_dict(row) for row in run.round(1).read("examples")]
    lines = (run.path / "seeds.jsonl").read_text().splitlines()
    seeds = [Seed.from_dict(json.loads(line)) for line in lines] if with_seeds else []
    expected = [*seeds, *examples]
    assert [row["id"] for row in rows] == [row.id for row in expected]
    assert [row["origin"] for row in rows] == ["seed"] * len(seeds) + ["example"] * len(examples)
    layout = LAYOUTS[export.settings.training.layout]
    for got, row in zip(rows, expected, strict=True):
        if name == "sharegpt":
            assert [(turn["from"], turn["value"]) for turn in got["conversations"]] == [
                ("human", as_asked(row)),
                ("gpt", row.output),
            ]
        elif name == "messages":
            assert [(turn["role"], turn["content"]) for turn in got["messages"]] == [
                ("user", as_asked(row)),
                ("assistant", row.output),
            ]
        else:
            assert (got["instruction"], got["input"], got["output"]) == (
                row.instruction,
                row.input,
                row.output,
            )
            whole = layout.entry(row.instruction, row.input, row.output)
            assert got["prompt"] + got["completion"] + layout.end == whole


def test_parquet_keeps_where_each_row_comes_from(run, tmp_path, load):
    export = read_export(run.path, with_seeds=True)
    file = write_rows(export, "parquet", tmp_path)
    for got, row in zip(load("parquet", data_files=str(file)), export.rows, strict=True):
        kind = type(row)
        kept = {key: value for key, value in got.items() if value is not None}
        assert kind.from_dict(kept) == row


@every_format
def test_a_full_disk_names_the_file(run, tmp_path, name):
    export = read_export(run.path, with_seeds=True)
    (tmp_path / file_of(name)).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left|errno 28") as raised:
        write_rows(export, name, tmp_path)
    assert _explain(raised.value) == (f"{tmp_path / file_of(name)}: No space left on device", 1)


@every_format
def test_a_folder_is_loaded_as_it_is_and_its_configurations_fit(
    run, selfspec, tmp_path, load, name
):
    out = tmp_path / "out"
    done = selfspec("data", str(run.path), "--format", name, "--out", str(out))
    assert done.returncode == 0, done.stderr
    export = read_export(run.path)
    rows = load(out)
    assert [row["id"] for row in rows] == [row.id for row in export.rows]
    [(data_set, entry)] = json.loads((out / "dataset_info.json").read_text()).items()
    assert (out / entry["file_name"]).is_file()
    assert set(entry["columns"].values()) <= set(rows.column_names)
    factory = yaml.safe_load((out / "llamafactory.yaml").read_text())
    assert factory == llamafactory(export, name)
    assert factory["dataset"] == data_set
    other = yaml.safe_load((out / "axolotl.yaml").read_text())
    assert other == axolotl(export, name)
    assert other["datasets"][0]["path"] == file_of(name) == entry["file_name"]


def test_configurations_have_the_settings_of_the_run(run):
    export = read_export(run.path)
    steps = round(-(-len(export.rows) // 12) * 2.0)
    factory, other = llamafactory(export, "alpaca"), axolotl(export, "alpaca")
    assert {key: factory[key] for key in ("lora_rank", "lora_alpha", "learning_rate")} == {
        "lora_rank": 4,
        "lora_alpha": 32,
        "learning_rate": 3e-5,
    }
    assert (other["lora_r"], other["lora_alpha"], other["learning_rate"]) == (4, 32, 3e-5)
    assert factory["num_train_epochs"] == other["num_epochs"] == 2.0
    assert factory["warmup_steps"] == other["warmup_steps"] == round(0.1 * steps)
    for table, key in ((factory, "per_device_train_batch_size"), (other, "micro_batch_size")):
        assert table[key] * table["gradient_accumulation_steps"] == 12
    assert (factory["quantization_bit"], other["adapter"]) == (4, "qlora")
    model = export.settings.model.model_copy(update={"quantization": "none"})
    whole = replace(export, settings=export.settings.model_copy(update={"model": model}))
    assert "quantization_bit" not in llamafactory(whole, "alpaca")
    assert axolotl(whole, "alpaca")["adapter"] == "lora"
    assert dataset_info(export, "sharegpt")["selfspec_finance"]["formatting"] == "sharegpt"


def test_yaml_reads_back_as_it_was():
    table = {
        "small": 3e-05,
        "large": 1e20,
        "text": 'yes: "no" # ü\n',
        "nothing": [],
        "list": [{"a": 1, "b": [True, None]}, "x"],
        "empty": {},
    }
    assert yaml.safe_load(as_yaml(table)) == table


def test_what_the_firewall_kept_from_training_is_kept_from_others_too(tmp_path):
    run = make(tmp_path / "run")
    whole = read_export(run.path)
    file = run.path / "round-1" / "commits.jsonl"
    commits = [json.loads(line) for line in file.read_text().splitlines()]
    [specialist] = [c for c in commits if c.get("trained", {}).get("system") == "specialized"]
    specialist["trained"]["screened"] = [{"row": whole.rows[3].id, "evidence": "test text"}]
    file.write_text("".join(json.dumps(commit) + "\n" for commit in commits))
    export = read_export(run.path)
    assert export.left_out == 1
    assert list(export.rows) == [row for row in whole.rows if row.id != whole.rows[3].id]


@pytest.mark.parametrize("collect", ["replace", "add"])
def test_rounds_that_were_trained_on_together_are_written_together(tmp_path, collect):
    rounds = {"rounds": {"max": 2, "collect": collect, "margin": 0.0}}
    run = make(tmp_path / "run", rounds)
    assert run.round_numbers() == [1, 2]
    run.manifest["chosen_round"] = 2
    run.save_manifest()
    got = [(row.round, row.id) for row in read_export(run.path).rows]
    numbers = (1, 2) if collect == "add" else (2,)
    assert got == [(n, row["id"]) for n in numbers for row in run.round(n).read("examples")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone", "--format", "alpaca"), "gone: no such run"),
        (("RUN", "--format", "csv"), "'csv' is not one of"),
        (("RUN", "--format", "alpaca"), "exists already; name a new folder"),
        (("finance", "--format", "lm-eval", "--with-seeds"), "which have no seeds"),
    ],
)
def test_bad_requests_are_one_line(run, selfspec, tmp_path, arguments, said):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    out = "full" if "already" in said else "new"
    given = [str(run.path) if word == "RUN" else word for word in arguments]
    done = selfspec("data", *given, "--out", out)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_empty_working_folder_is_not_taken_away(run, selfspec, tmp_path):
    done = selfspec("data", str(run.path), "--format", "alpaca", "--out", ".")
    assert done.stderr == "Error: --out .: exists already; name a new folder\n"
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_examples_says_so(tmp_path):
    assembly = assemble(Request("finance", model="scripted", set=SMALL), Silent())
    run = Run.create(tmp_path / "run", new_manifest(assembly, {"domain": "finance"}))
    run.close()
    with pytest.raises(UsageError, match="no round has begun"):
        read_export(run.path)
    run.round(1)
    with pytest.raises(UsageError, match="no example has been accepted yet"):
        read_export(run.path)
