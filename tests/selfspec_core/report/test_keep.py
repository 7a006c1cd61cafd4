"""What a run keeps for its page, and its cards."""

import json
import shutil

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.progress import Silent
from selfspec_core.report.cards import write_cards
from selfspec_core.report.keep import keep_results, read_seeds
from selfspec_core.report.words import signed
from selfspec_core.runs import Run
from selfspec_core.stages.tuning import trained


def test_results_by_task_add_up_to_the_scores(finance_run):
    own = json.loads((finance_run / "round-1/scores.json").read_text())["sets"]["finance"]
    each = json.loads((finance_run / "round-1/tasks.json").read_text())["finance"]
    assert each["sizes"] == own["sizes"] and each["systems"].keys() == own["systems"].keys()
    for system, score in own["systems"].items():
        found = each["systems"][system]
        assert {task: one["value"] for task, one in found.items()} == score["tasks"]
        assert all(one["low"] <= one["value"] <= one["high"] for one in found.values())
    for pair, gain in own["gains"].items():
        means = [one["mean"] for one in each["gains"][pair].values()]
        assert sum(means) / len(means) == pytest.approx(gain["mean"])


def test_seeds_are_kept_as_they_were_used(finance_run):
    context = assemble(Request("finance", model="scripted"), Silent()).context
    assert read_seeds(finance_run) == list(context.seeds)


def test_made_again_all_have_the_same_bytes(finance_run):
    files = [path for path in finance_run.rglob("*") if path.name in ("tasks.json", "README.md")]
    before = {path: path.read_bytes() for path in files}
    assert len(files) == 5  # results by task, the data's card, three adapters' cards
    flags = ({"data": {"size": 40}}, {"evaluation": {"resamples": 100}})
    assembly = assemble(Request("finance", model="scripted", set=flags), Silent())
    run = Run.open(finance_run, write=True)
    keep_results(run, assembly.parts.sets, assembly.context)
    run.close()
    assert {path: path.read_bytes() for path in files} == before


def test_cards_load_and_say_where_all_comes_from(finance_run):
    cards = pytest.importorskip("huggingface_hub")
    data = cards.DatasetCard.load(finance_run / "round-1/README.md")
    assert data.data.license == "apache-2.0"
    assert "| written for selfspec | Apache-2.0 | 96 |" in data.text
    model = cards.ModelCard.load(finance_run / "round-1/adapter/README.md")
    own = json.loads((finance_run / "round-1/scores.json").read_text())["sets"]["finance"]
    macro = own["systems"]["specialized@0"]["macro"]
    [result] = model.data.eval_results
    assert result.metric_value == pytest.approx(macro, abs=1e-4)
    assert f"| specialized@0 | {macro:.3f} |" in model.text
    control = cards.ModelCard.load(finance_run / "round-1/controls/seeds-only/README.md")
    assert "A control, not a specialist" in control.text and not control.data.eval_results


def test_a_card_says_nothing_of_another_system(finance_run, tmp_path):
    def card(run, place):
        return (run / f"round-1/{place}/README.md").read_text()

    assert "- On items of general, which it was not tuned for" in card(finance_run, "adapter")
    assert "- On items of" not in card(finance_run, "controls/seeds-only")
    shutil.copytree(finance_run, tmp_path / "run")
    file = tmp_path / "run/round-1/scores.json"
    scores = json.loads(file.read_text())
    own, elsewhere = scores["sets"]["finance"], scores["collateral"]["general"]["test"]
    own["ours"] = "preferred@0"
    own["gains"]["preferred@0 - base@0"] = {"mean": 0.987, "low": 0.9, "high": 1.0}
    elsewhere["systems"]["preferred@0"] = elsewhere["systems"].pop("specialized@0")
    file.write_text(json.dumps(scores))
    context = assemble(Request("finance", model="scripted"), Silent()).context
    write_cards(Run.open(tmp_path / "run").round(1), context)
    text = card(tmp_path / "run", "adapter")
    assert f"| base@0 | {signed(own['gains']['specialized@0 - base@0']['mean'])} |" in text
    assert "0.987" not in text and "- On items of" not in text


def test_examples_load_as_a_data_set_beside_their_card(finance_run, tmp_path):
    datasets = pytest.importorskip("datasets")
    cache = {"cache_dir": str(tmp_path)}
    file = str(finance_run / "round-1/examples.jsonl")
    count = json.loads((finance_run / "round-1/scores.json").read_text())["accepted"]
    rows = datasets.load_dataset("json", data_files=file, **cache)["train"]
    assert rows.num_rows == count > 0
    assert datasets.load_dataset(str(finance_run / "round-1"), **cache)["train"].num_rows == count


def test_hostile_names_are_no_markup_in_cards(hostile_run):
    cards = pytest.importorskip("huggingface_hub")
    for path in hostile_run.rglob("README.md"):
        text = cards.RepoCard.load(path, ignore_metadata_errors=False).text
        assert "<b>" not in text and "<i>" not in text and "](http://evil" not in text
        assert "&lt;b&gt;" in text or "seeds-only" in str(path)


def test_a_card_says_when_nothing_was_measured(finance_run, tmp_path):
    shutil.copytree(finance_run, tmp_path / "run")
    (tmp_path / "run/round-1/scores.json").unlink()
    (tmp_path / "run/round-1/adapter/adapter_config.json").write_text("{}")
    run = Run.open(tmp_path / "run")
    flags = ({"data": {"size": 40}},)
    write_cards(
        run.round(1), assemble(Request("finance", model="scripted", set=flags), Silent()).context
    )
    text = (tmp_path / "run/round-1/adapter/README.md").read_text()
    assert "It has not been measured on test items." in text and "library_name: peft" in text
    assert "specialized" in trained(run.round(1))
    code = text.partition("```python\n")[2].partition("```")[0]
    assert 'prompt = "Instruction: {instruction}\\nInput: {input}\\nResponse:".format(' in code
    compile(code, "card", "exec")
