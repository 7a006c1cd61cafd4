import json

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.cli.order import WIDTH, blocks, ordered
from selfspec_core.report.elsewhere import loss

ORDER = (
    "base@0 base-best@0 base-best+retrieval@0 base@5 llama@0 llama@5 seeds-only@0 "
    "seeds-only-long@0 generic@0 specialized@0 specialized+retrieval@0 specialized@1 specialized@5"
).split()


@given(st.permutations([name for name in ORDER if "llama" not in name]))
def test_whatever_the_order_they_come_in_tables_list_them_alike(names):
    assert ordered([*names, "llama@0", "llama@5"]) == ORDER


@given(st.lists(st.text("ab@", min_size=1, max_size=40), min_size=1), st.integers(0, 30))
def test_blocks_hold_every_column_once_and_fit(heads, first):
    found = list(blocks(heads, first))
    assert [head for block in found for head in block] == heads
    for block in found:
        assert len(block) == 1 or first + sum(len(head) + 2 for head in block) <= WIDTH


def gain(low, high, fewest=12):
    return {"mean": (low + high) / 2, "low": low, "high": high, "sizes": {"a": fewest, "b": 40}}


def test_half_a_point_may_be_lost_elsewhere():
    assert loss(gain(-0.2, -0.006), 0.005) == "worse"
    assert loss(gain(-0.2, -0.005), 0.005) == "no clear loss"
    assert loss(gain(-0.2, -0.015), 0.02) == "no clear loss"  # the run's own limit
    assert loss(gain(-0.2, 0.1), 0.005) == "no clear loss"
    assert loss(gain(0.01, 0.1), 0.005) == "better"
    assert loss(gain(-0.3, -0.2, fewest=3), 0.005).startswith("no verdict")


def shown(run_folder, **more):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    scores["sets"]["finance"]["better"] = {"base": "base@0", "control": "seeds-only-long@0"}
    file.write_text(json.dumps(scores | more))
    result = CliRunner().invoke(cli, ["show", "demo"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_gains_over_the_better_have_a_line_each(run_folder):
    lines = [line.split() for line in shown(run_folder).splitlines()]
    over = [line for line in lines if line[:3] == ["over", "the", "better"]]
    assert [line[3:6] for line in over] == [
        ["base,", "base@0", "+0.401"],
        ["control,", "seeds-only-long@0", "-0.080"],
    ]
    assert over[1][-1] == "worse"


def test_collateral_is_shown_with_its_verdict(run_folder):
    systems = {"base-best@0": 0.5, "specialized@0": 0.4}
    lost = gain(-0.15, -0.05) | {"systems": systems, "n": 52}
    fields = {"law": {"dev": gain(0, 0) | lost, "test": lost}, "[red]x": {}}
    text = shown(run_folder, collateral=fields)
    assert "Collateral: items of other fields" in text
    [row] = [line.split() for line in text.splitlines() if line.startswith("  law")]
    assert row == ["law", "0.500", "0.400", "-0.100", "[-0.150,", "-0.050]", "52", "worse"]
    assert max(map(len, text.splitlines())) <= 100


def test_what_the_generic_control_collected_is_shown(run_folder):
    text = shown(run_folder, generic={"proposed": 700, "accepted": 300})
    assert "control generic: 700 proposed, 300 accepted" in text
