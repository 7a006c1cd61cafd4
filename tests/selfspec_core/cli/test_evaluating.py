"""`selfspec evaluate` on sets that a run was not screened for."""

import json
from types import SimpleNamespace

import pytest

from selfspec_core.cli.evaluating import _contaminated
from selfspec_core.journals import RoundFolder
from selfspec_core.provenance import digest_rows
from selfspec_core.report.keep import keep_seeds
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.names import PREFERRED
from selfspec_core.types import Example, Item, Pair, Seed

SEEDS = [
    {
        "id": f"s-{n}",
        "task": "tone",
        "kind": "classification",
        "instruction": "What is the tone?",
        "input": text,
        "output": output,
        "choices": ["good", "bad"],
    }
    for n, (text, output) in enumerate(
        [
            ("The orchard that my neighbour planted has carried sweet pears all summer.", "good"),
            ("A new ferry now crosses the sound every hour, even on stormy nights.", "good"),
            ("Nobody at the harbour could explain why all of the lamps went out.", "bad"),
            ("The bridge was closed again and the shops behind it are empty.", "bad"),
        ]
    )
]


def test_a_set_that_holds_a_seed_of_the_run_is_named(selfspec, tmp_path):
    (tmp_path / "seeds.jsonl").write_text("\n".join(map(json.dumps, SEEDS)))
    run = "run --seeds seeds.jsonl --model scripted --set data.size=4 --name one".split()
    done = selfspec(*run)
    assert done.returncode == 0, done.stderr
    shown = json.loads(selfspec("show", "one", "--json").stdout)
    short = [note for note in shown["notes"] if note.endswith("see what was rejected")]
    accepted = shown["rounds"][0]["accepted"]
    assert [note.partition(" examples")[0] for note in short] == (
        [f"{accepted} of 4"] if accepted < 4 else []
    )
    item = {**SEEDS[0], "output": [SEEDS[0]["output"]]}
    (tmp_path / "bench.jsonl").write_text(json.dumps(item))
    measured = selfspec("evaluate", "one", "--benchmark", "bench.jsonl")
    assert measured.returncode == 0, measured.stderr
    said = "seeds or training examples share text with its items; read with care"
    assert any(
        line.startswith("bench: ") and line.endswith(said) for line in measured.stdout.splitlines()
    )
    assert "seed s-0 is left out: " in measured.stderr


ADDED = {"rounds": {"collect": "add"}, "data": {"replay": 0.1, "replay_from": "general"}}
TEXTS = {
    "own": "the harbour lamps went out again while the ferry was crossing the wide sound at night",
    "earlier": "a granite wall keeps the meadow dry even when the river rises above the old mark",
    "paired": "she counted copper nails until the violin maker came back with a new saddle strap",
    "seeded": "every anchor in the cellar had a ribbon on it that told whose kettle it had been",
    "replayed": "no candle burns as long as the one his grandmother made of marble dust and wax",
}


@pytest.mark.parametrize(
    ("settings", "preferred", "found"),
    [
        ({}, False, {"own", "seeded"}),
        ({}, True, {"own", "seeded", "paired"}),
        (ADDED, False, {"own", "seeded", "earlier", "replayed"}),
    ],
)
def test_all_that_a_specialist_was_tuned_on_is_looked_through(tmp_path, settings, preferred, found):
    manifest = {"created": "", "domain": "d", "model": "m", "seconds": 1.0, "state": "done"}
    manifest |= {"request": {}, "conditions": {"settings": settings}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    keep_seeds(tmp_path, [_seed("seeded")])
    for number, name in ((1, "earlier"), (2, "own")):
        folder = RoundFolder(tmp_path / f"round-{number}")
        row = Example(name, "t", "open_qa", "Tell.", TEXTS[name], "x", number, 0)
        pair = Pair(
            "p", "t", "open_qa", "Tell.", "", "x", TEXTS["paired"], "majority", 1.0, 0.5, number, 0
        )
        folder.commit("answer", 0, {"examples": [row.to_dict()], "pairs": [pair.to_dict()]})
    if preferred:
        made = {"system": PREFERRED, "rows": 1, "steps": 1, "tokens": 1, "loss": None}
        folder.commit("specialize", 0, {}, trained=made)
    sets = [
        EvaluationSet(name, (Item(name, "t", "open_qa", "Say.", text, ("x",), "token_f1"),), None)
        for name, text in {"domain": "", **TEXTS}.items()
    ]
    assembly = SimpleNamespace(
        parts=SimpleNamespace(sets=sets),
        context=SimpleNamespace(round=2),
        general=[_seed("replayed")],
    )
    assert _contaminated(folder, assembly) == dict.fromkeys(found, 1)


@pytest.mark.parametrize(("then", "found"), [("", {"law": 1}), ("own", {})])
def test_a_domain_that_the_run_did_not_ask_is_looked_through_too(tmp_path, then, found):
    """Its package may have been installed, or its items written, since."""

    def asked(text):
        item = Item("i", "t", "open_qa", "Say.", text, ("x",), "token_f1")
        return EvaluationSet("law", (item,), None)

    items = {"law": digest_rows(asked(TEXTS[then]).items)} if then else {}
    manifest = {"created": "", "domain": "d", "model": "m", "seconds": 1.0, "state": "done"}
    manifest |= {"request": {}, "conditions": {"settings": {}, "items": items}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    folder = RoundFolder(tmp_path / "round-1")
    row = Example("own", "t", "open_qa", "Tell.", TEXTS["own"], "x", 1, 0)
    folder.commit("answer", 0, {"examples": [row.to_dict()]})
    assembly = SimpleNamespace(
        parts=SimpleNamespace(sets=[asked(TEXTS["own"])]),
        context=SimpleNamespace(round=1),
        general=[],
    )
    assert _contaminated(folder, assembly) == found


def _seed(name):
    return Seed(name, "t", "open_qa", "Tell.", TEXTS[name], "x")
