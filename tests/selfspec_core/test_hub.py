"""Public sets of the hub: every mapping reads its documented columns, every failure is a line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.parsing import parse
from selfspec_core.progress import Silent
from selfspec_core.sets.hub import absolute, check_mapping, mapped_sets, read_benchmark
from selfspec_core.types import LIST_KINDS, Example

ROWS = json.loads(Path(__file__).with_name("hub_rows.json").read_text(encoding="utf-8"))
DOMAINS = ("biomedicine", "finance", "law")
FILES = {f"selfspec_{domain}/benchmarks.toml" for domain in DOMAINS}
MAPPED = {name: one for name, one in mapped_sets().items() if one.file in FILES}
PHRASES = "takala/financial_phrasebank:sentences_allagree"


def rows_of(name):
    return ROWS.get(name) or ROWS[name.partition(":")[0]]


class FakeHub:
    """Stands in for `datasets.load_dataset`: real files of the rows given, read by the real one."""

    def __init__(self, folder, monkeypatch):
        import datasets

        self.rows, self.asked, self.features = [], {}, None
        self._folder, self._load = folder, datasets.load_dataset
        monkeypatch.setattr(datasets, "load_dataset", self)

    def __call__(self, path, name=None, *, split, **rest):
        self.asked = {"path": path, "name": name, "split": split, **rest}
        file = self._folder / "rows.json"
        file.write_text("\n".join(map(json.dumps, self.rows)))
        return self._load(
            "json",
            data_files={split: str(file)},
            split=split,
            features=self.features,
            cache_dir=str(self._folder / "cache"),
        )


@pytest.fixture
def hub(tmp_path, monkeypatch):
    return FakeHub(tmp_path, monkeypatch)


def said(item):
    """Returns a right answer as a system would write it."""
    return (", ".join(item.output) or "none") if item.kind in LIST_KINDS else item.output[0]


@pytest.mark.parametrize("name", MAPPED)
def test_every_mapping_reads_rows_of_its_documented_columns(name, hub):
    known = rows_of(name)
    hub.rows = known["rows"]
    label, items = read_benchmark(f"hf:{name}", "finance")
    assert label == name
    assert items[0].input == known["input"]
    assert [list(item.output) for item in items] == known["outputs"]
    assert len({item.id for item in items}) == len(items)
    metric = METRICS[items[0].metric]
    counts = [metric.counts(item, parse(item.kind, said(item), item.choices)) for item in items]
    assert metric.value(np.sum(counts, 0), float(len(items))) == 1.0
    owner, _, config = name.partition(":")
    mapping = check_mapping(MAPPED[name])
    if mapping.revision:
        assert (hub.asked["name"], hub.asked["revision"]) == (None, "refs/convert/parquet")
        assert hub.asked["data_dir"] == (config or mapping.folder)
    else:
        assert (hub.asked["path"], hub.asked["name"]) == (owner, config or None)


def test_every_domain_maps_six_sets_and_the_rows_know_no_others():
    files = Counter(one.file for one in MAPPED.values())
    assert all(files[file] >= 6 for file in FILES)
    assert set(ROWS) == {name if name in ROWS else name.partition(":")[0] for name in MAPPED}


def test_columns_with_features_and_nested_ones_are_read(hub):
    from datasets import ClassLabel, Features, Value

    hub.rows = rows_of(PHRASES)["rows"]
    names = ["negative", "neutral", "positive"]
    hub.features = Features({"sentence": Value("string"), "label": ClassLabel(names=names)})
    _, items = read_benchmark(f"hf:{PHRASES}", "finance")
    assert [item.output for item in items] == [("negative",), ("neutral",), ("positive",)]
    assert items[0].choices == tuple(names) and items[0].task == "phrasebank"


def test_a_large_set_is_sampled_the_same_each_time(hub):
    row = rows_of("TheFinAI/flare-headlines")["rows"][0]
    hub.rows = [{**row, "query": f"Is it {n}?"} for n in range(2100)]
    _, first = read_benchmark("hf:TheFinAI/flare-headlines", "finance")
    _, again = read_benchmark("hf:TheFinAI/flare-headlines", "law")
    assert len(first) == 2000 and first == again
    assert all(item.id.endswith(f"-{item.input[6:-1]}") for item in first)


def test_a_missing_column_is_named_with_set_and_file(hub):
    hub.rows = [{"text": "Orders fell.", "label": 0}]
    with pytest.raises(UsageError) as error:
        read_benchmark(f"hf:{PHRASES}", "finance")
    assert str(error.value) == (
        f"hf:{PHRASES}: column 'sentence' of the mapping in selfspec_finance/benchmarks.toml is "
        "missing; the set has text, label"
    )


def test_a_row_that_cannot_be_read_is_named(hub):
    hub.rows = [*rows_of(PHRASES)["rows"], {"sentence": "Orders fell.", "label": 7}]
    with pytest.raises(UsageError, match="allagree, row 3: {label} is 7, expected one of 0, 1, 2"):
        read_benchmark(f"hf:{PHRASES}", "finance")
    hub.rows = [{"sentence": " ", "label": 0}, {"sentence": "Orders fell.", "label": None}]
    with pytest.raises(UsageError, match="row 1: {label} is None"):
        read_benchmark(f"hf:{PHRASES}", "finance")


@pytest.mark.parametrize("name", ["", "PubMedQA", "a/b/c", "a/b:c:d", "../x/y", "a/b c"])
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(UsageError, match="expected hf:OWNER/NAME or hf:OWNER/NAME:CONFIG"):
        read_benchmark(f"hf:{name}", "finance")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("qiaojin/PubMedQA", "hf:qiaojin/PubMedQA:pqa_labeled"),
        ("qiaojin/pubmedqa:pqa_labeled", "hf:qiaojin/PubMedQA:pqa_labeled"),
        ("casehold/caseholds", "hf:casehold/casehold"),
        ("cais/mmlu:clinical_knowlege", "hf:cais/mmlu:clinical_knowledge"),
    ],
)
def test_an_unmapped_set_names_the_nearest_and_how_to_map_it(name, near):
    with pytest.raises(UsageError) as error:
        read_benchmark(f"hf:{name}", "law")
    text = str(error.value)
    assert f"nearest: '{near}'" in text and f'["{name}"]' in text and ".jsonl" in text
    assert "\n" not in text


def _raiser(error):
    def load(*_, **__):
        raise error

    return load


def _failures():
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import OfflineModeIsEnabled

    return [
        (ConnectionError("Couldn't reach"), "cannot be reached and the set is not in the cache"),
        (OfflineModeIsEnabled("offline"), "cannot be reached and the set is not in the cache"),
        (DatasetNotFoundError("gone"), "the hub has no such set"),
        (ValueError("Unknown split\nmore"), "did not load: ValueError: Unknown split"),
    ]


@pytest.mark.parametrize("number", range(4))
def test_what_the_hub_refuses_is_one_line(monkeypatch, number):
    import datasets

    error, message = _failures()[number]
    monkeypatch.setattr(datasets, "load_dataset", _raiser(error))
    with pytest.raises(SelfspecError, match=message) as raised:
        read_benchmark(f"hf:{PHRASES}", "finance")
    assert raised.value.exit_code == 1 and "\n" not in str(raised.value)


def _package(folder, domain, text):
    """Installs a domain package that holds nothing but mappings."""
    package = folder / f"selfspec_x{domain}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "benchmarks.toml").write_text(text)
    info = folder / f"selfspec_x{domain}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: x-{domain}\nVersion: 1.0\n")
    entry = f"[selfspec.domains]\n{domain} = selfspec_x{domain}\n"
    (info / "entry_points.txt").write_text(entry)


OWN = f"""
["{PHRASES}"]
split = "test"
kind = "classification"
metric = "accuracy"
instruction = "Mood?"
input = "{{sentence}}"
output = "{{label}}"
labels = ["bad", "so-so", "good"]
"""


@pytest.mark.parametrize("broken", ["this is = not [toml", "a = " + "[" * 9999])
def test_the_own_domains_mapping_comes_first_and_a_broken_file_of_another_is_passed_over(
    site, hub, broken
):
    _package(site.folder, "zinc", OWN)
    _package(site.folder, "aurum", broken)
    hub.rows = rows_of(PHRASES)["rows"]
    _, items = read_benchmark(f"hf:{PHRASES}", "zinc")
    assert items[0].output == ("bad",) and hub.asked["name"] == "sentences_allagree"
    _, items = read_benchmark(f"hf:{PHRASES}", "finance")
    assert items[0].output == ("negative",)
    with pytest.raises(UsageError, match="selfspec_xaurum/benchmarks.toml: not valid TOML"):
        read_benchmark(f"hf:{PHRASES}", "aurum")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("labels =", "lables =", "unknown setting 'lables'; did you mean 'labels'"),
        ('metric = "accuracy"', 'metric = "acuracy"', "'metric': .*did you mean 'accuracy'"),
        ('kind = "classification"', 'kind = "clasification"', "'kind' = 'clasification'"),
        ('split = "test"\n', "", "key 'split' is missing$"),
        ("{sentence}", "{sentence", "a brace is not closed"),
        ("metric =", 'sample = "9"\nmetric =', "'sample' = '9': input should be a number"),
    ],
)
def test_a_wrong_mapping_names_file_set_and_key(site, old, new, message):
    _package(site.folder, "zinc", OWN.replace(old, new))
    with pytest.raises(UsageError, match=message) as error:
        read_benchmark(f"hf:{PHRASES}", "zinc")
    assert str(error.value).startswith(f'selfspec_xzinc/benchmarks.toml: ["{PHRASES}"]: ')


def test_a_run_measures_on_it_and_keeps_it_from_training(hub):
    hub.rows = rows_of(PHRASES)["rows"]
    request = Request("finance", model="scripted", benchmarks=(f"hf:{PHRASES}",))
    parts = assemble(request, Silent()).parts
    assert parts.sets[-1].name == PHRASES and len(parts.sets[-1].items) == 3
    copy = Example("x", "t", "classification", "Mood?", hub.rows[0]["sentence"], "bad", 1, 1)
    (verdict,) = parts.firewall.screen([copy])
    assert not verdict.keep
    twice = Request("finance", model="scripted", benchmarks=(f"hf:{PHRASES}",) * 2)
    with pytest.raises(UsageError, match="a set is already called"):
        assemble(twice, Silent())


def test_a_manifest_keeps_the_name_of_a_set_and_the_place_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("hf:a/b") == "hf:a/b"
    assert absolute("mine.jsonl") == str(tmp_path / "mine.jsonl")
