"""Every parser of the core: whatever it is given, it reads it or refuses it in one line."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1]))  # for `fuzzing`
from fuzzing import changed, fuzzed, lines, read_or_refused, texts, values

from selfspec_core.assembly.recipes import read_recipe
from selfspec_core.assembly.request import Request
from selfspec_core.assembly.resolve import as_toml, parse_flag, read_toml, resolve
from selfspec_core.layouts import LAYOUTS
from selfspec_core.manifest import read_manifest
from selfspec_core.measures.metrics import METRICS, PRIMARY
from selfspec_core.measures.parsing import parse
from selfspec_core.packages import parse_seeds
from selfspec_core.runs import Run
from selfspec_core.sets.hub import Mapped, check_mapping
from selfspec_core.sets.items import read_items
from selfspec_core.sets.mapping import BadRow, MissingColumn, item_fields
from selfspec_core.types import CLOSED_KINDS, KINDS, Example, Instruction, Item, Pair, Prediction
from selfspec_plugins.candidates import as_instruction
from selfspec_plugins.prompts import read_proposal

SEED = {
    "id": "s1",
    "task": "tone",
    "kind": "classification",
    "instruction": "Name the tone.",
    "input": "Rates rose.",
    "output": "good",
    "choices": ["good", "bad"],
    "source": "own",
    "licence": "Apache-2.0",
}
ITEM = {**SEED, "output": ["good"], "metric": "accuracy", "split": "dev"}
COMMIT = {"stage": "propose", "batch": 0, "sizes": {"examples.jsonl": 20}, "decisions": {}}
MANIFEST = {
    "created": "2026-01-01T00:00:00+00:00",
    "domain": "finance",
    "model": "scripted",
    "state": "running",
    "seconds": 1.0,
    "request": {"domain": "finance"},
    "conditions": {},
    "timings": {"load": 1.0},
}
REQUEST = {"domain": "finance", "recipe": "quick", "set": [{"data": {"size": 3}}], "knowledge": []}
MAPPING = {
    "split": "test",
    "metric": "accuracy",
    "kind": "classification",
    "instruction": "Say {a}.",
    "input": "{b}",
    "output": "{label}",
}


def written(path, data):
    path.write_bytes(data)
    return path


def settled(where, table):
    """Says that a table became settings with all their values, or was refused in one line."""
    settings = read_or_refused(resolve, [(where, table)])
    return settings is None or settings == type(settings).model_validate(settings.model_dump())


@fuzzed
@given(lines(changed(SEED)))
def test_fuzz_seeds(tmp_path, data):
    for seed in read_or_refused(parse_seeds, written(tmp_path / "s.jsonl", data), "s.jsonl") or ():
        assert seed.id and type(seed).from_dict(json.loads(json.dumps(seed.to_dict()))) == seed


@fuzzed
@given(lines(changed(ITEM)))
def test_fuzz_benchmark_rows(tmp_path, data):
    for item in read_or_refused(read_items, written(tmp_path / "b.jsonl", data)) or ():
        for text in ("", "good", item.input):
            counts = METRICS[item.metric].counts(item, parse(item.kind, text, item.choices))
            assert (counts >= 0).all()


@fuzzed
@given(st.sampled_from(KINDS), texts | st.text(), st.lists(texts, max_size=4))
def test_fuzz_model_output(kind, text, choices):
    if kind in CLOSED_KINDS and not choices:
        choices = ["good"]  # an item of such a kind has them
    parsed = parse(kind, text, choices)
    assert json.dumps(parsed, allow_nan=False)
    accepted = tuple(choices) or ("good",)
    item = Item("i", "t", kind, "x", "y", accepted, PRIMARY[kind], tuple(choices))
    assert (METRICS[PRIMARY[kind]].counts(item, parsed) >= 0).all()
    for layout in LAYOUTS.values():
        proposed = read_proposal(layout, text)
        assert proposed is None or all(isinstance(part, str) for part in proposed)


@fuzzed
@given(texts | st.text())
def test_fuzz_flags(flag):
    table = read_or_refused(parse_flag, flag)
    assert table is None or set(table) == {flag.split("=")[0].split(".")[0].strip()}
    assert table is None or settled("--set", table)


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(
            "model data propose answer filters rounds random_seed components x".split()
        ),
        st.dictionaries(
            st.sampled_from("name path size order batch temperature limit scripted x".split())
            | texts,
            values,
            max_size=3,
        )
        | values,
        max_size=3,
    )
)
def test_fuzz_settings(table):
    assert settled("recipe.toml", table)


@fuzzed
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_fuzz_recipe_files(tmp_path, data):
    table = read_or_refused(read_toml, written(tmp_path / "r.toml", data))
    if table:
        assert as_toml(table)
        assert settled("r.toml", table)


@fuzzed
@given(
    st.sampled_from(["[recipe]\n", "[recipes.quick]\n", "recipes = 3\n", "[recipe]\nrounds = 2\n"]),
    st.text(max_size=30),
)
def test_fuzz_domain_recipes(tmp_path, monkeypatch, head, tail):
    (tmp_path / "selfspec_fuzzed").mkdir(exist_ok=True)
    (tmp_path / "selfspec_fuzzed/domain.toml").write_text(head + tail, encoding="utf-8")
    monkeypatch.setattr(
        "selfspec_core.assembly.recipes.resources.files", lambda package: tmp_path / package
    )
    table = read_or_refused(read_recipe, "selfspec_fuzzed", "quick")
    assert table is None or settled("recipe quick", table)


@fuzzed
@given(changed(MANIFEST) | values, changed(REQUEST))
def test_fuzz_manifests(tmp_path, manifest, request_):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = read_or_refused(read_manifest, tmp_path)
    # what it lacks has a default; as text, for NaN is not equal to itself
    assert found is None or json.dumps(found | manifest) == json.dumps(found)
    asked = read_or_refused(Request.from_dict, request_, tmp_path / "manifest.json")
    assert asked is None or isinstance(asked, Request)


@pytest.mark.parametrize("cls", [Instruction, Example, Pair, Prediction])
@fuzzed
@given(lines(changed(COMMIT)), lines(changed(SEED | {"round": 1, "batch": 0})))
def test_fuzz_journals(tmp_path, cls, commits, rows):
    folder = tmp_path / "run/round-1"
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "run/manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "commits.jsonl").write_bytes(commits)
    (folder / "examples.jsonl").write_bytes(rows)

    def read():
        found = Run.open(tmp_path / "run").round(1)
        return list(found.read("examples"))

    found = read_or_refused(read)
    assert found is None or all(isinstance(row, dict) for row in found)
    assert len(found or ()) <= rows.count(b"\n")


@fuzzed
@given(changed(MAPPING), changed({"a": "x", "b": "y", "label": 1}))
def test_fuzz_mappings(table, row):
    mapping = read_or_refused(check_mapping, Mapped("set", "file.toml", table))
    if mapping is not None:
        try:
            fields = item_fields(mapping, row)
        except (MissingColumn, BadRow):
            return
        assert set(fields) <= {"input", "output", "choices"}


def test_a_proposal_of_any_text_becomes_an_instruction_or_none():
    from selfspec_core.types import Seed

    seed = Seed.from_dict(SEED)
    for text in ("", "\0", "x" * 100_000, "### Input:" * 9, "\u202e", "Input: a\nInput: b"):
        for layout in LAYOUTS.values():
            assert as_instruction(read_proposal(layout, text), text, [seed], "r1-0-0", [seed])
