"""`--executor` and `--address`: what is refused, and that a run may go on elsewhere."""

import json

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.options import executor_table
from selfspec_core.errors import UsageError
from selfspec_core.progress import Silent
from selfspec_core.provenance import conditions


@pytest.fixture
def seeds(tmp_path):
    row = {"task": "t", "kind": "open_qa", "instruction": "Name it.", "output": "argon"}
    rows = [{**row, "id": str(n), "input": f"Which one is number {n}?"} for n in range(4)]
    (tmp_path / "seeds.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(tmp_path / "seeds.jsonl")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--address h:1", "--address: goes with --executor ray"),
        ("--executor local --address h:1", "--address: goes with --executor ray"),
        ("--executor slurm", "'slurm' is not one of 'local', 'ray'"),
        ("--executor ray --address head", "Error: --"),  # of the address, or that Ray is missing
        ("--set executor.gpu=1", "unknown setting 'executor.gpu'; did you mean"),
        (
            "--executor ray --set model.name=openai --set model.base_url=http://localhost:1/v1",
            "--executor ray: model 'openai' has no weights of its own",
        ),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_written(
    words, said, selfspec, seeds, tmp_path
):
    done = selfspec("run", "--seeds", seeds, "--model", "scripted", *words.split())
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list((tmp_path / "runs").glob("*"))


def test_the_options_stand_for_settings():
    assert executor_table("ray", "h:1") == {"name": "ray", "address": "h:1"}
    assert executor_table("local", None) == {"name": "local"} and executor_table(None, None) == {}
    with pytest.raises(UsageError, match="--address"):
        executor_table(None, "h:1")


def test_where_it_generates_is_no_condition_of_going_on(seeds):
    def found(**more):
        tables = {"model": {"name": "scripted"}, **more}
        return conditions(assemble(Request(None, seeds=seeds, set=(tables,)), Silent()))

    assert found(executor={"name": "ray", "address": "h:1"}) == found()
    assert found(random_seed=1) != found()
