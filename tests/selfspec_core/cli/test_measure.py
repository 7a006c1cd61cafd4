"""`selfspec evaluate` on sets that a run was not screened for."""

import json

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
