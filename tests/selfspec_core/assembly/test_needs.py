"""What could not work is refused before a run begins."""

from __future__ import annotations

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.needs import check_needs
from selfspec_core.assembly.request import Request
from selfspec_core.assembly.resolve import resolve
from selfspec_core.components import Context, Filter
from selfspec_core.errors import UsageError
from selfspec_core.progress import Silent


class Reads(Filter):
    name, summary, phase = "reads", "needs passages", "example"
    retrieves = True


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ("round_trip", "'round_trip' needs passages; set retrieval.retriever"),
        ("answerability", "preference.pairs: 'answerability' asks a probe"),
    ],
)
def test_a_judge_of_pairs_is_asked_what_it_needs(pairs: str, said: str) -> None:
    asked = {"preference": {"enabled": True, "pairs": pairs}}
    with pytest.raises(UsageError, match=said):
        assemble(Request("finance", model="scripted", set=(asked,)), Silent())


def test_generic_has_no_passages_for_a_component_that_needs_them() -> None:
    controls = {"evaluation": {"controls": ("seeds-only", "generic")}}
    context = Context("d", None, resolve([("test", controls)]), (), retriever=object())
    with pytest.raises(UsageError, match="'generic' has no passages, and 'reads' needs them"):
        check_needs((Reads(),), (Reads(),), context, None, None)
    without = Context("d", None, resolve([("test", {})]), (), retriever=object())
    check_needs((Reads(),), (Reads(),), without, None, None)
