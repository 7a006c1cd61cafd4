"""What the fuzz tests share: how many inputs, what an input looks like, what may come of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from selfspec_core.errors import SelfspecError

EXAMPLES = int(os.environ.get("SELFSPEC_FUZZ", "40"))
"""Inputs of each test; `SELFSPEC_FUZZ=20000 pytest ... -k fuzz` takes an hour or two."""

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
texts = st.text(max_size=40) | st.sampled_from(
    ["", " ", "\0", "\x1b[31m", "\u202e", "'", "../x", "{", "###", "1e999", "nan", "-0", "ﬁ", "İ"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""What JSON may hold."""


def changed(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Rows like a right one: with a key left out, with other values, with other keys."""
    keys = st.sampled_from(sorted(row))
    return st.builds(
        lambda without, over, more: (
            {k: v for k, v in row.items() if k not in without} | over | more
        ),
        st.lists(keys, max_size=1),
        st.dictionaries(keys, values, max_size=2),
        st.dictionaries(texts, values, max_size=1),
    )


def lines(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Files of JSON lines, some of them cut or with bytes of another kind in them."""
    whole = st.lists(rows, min_size=1, max_size=4).map(
        lambda found: "".join(json.dumps(row) + "\n" for row in found).encode()
    )
    cut = st.tuples(whole, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    spoilt = st.tuples(whole, st.integers(0, 200), st.binary(max_size=6)).map(
        lambda three: three[0][: three[1]] + three[2] + three[0][three[1] :]
    )
    return whole | cut | spoilt | st.binary(max_size=60)


def is_one_line(error: SelfspecError) -> bool:
    """Says whether an error is what a person can be shown."""
    from selfspec_core.cli.output import plain

    return bool(plain(error).strip())


def read_or_refused(read: Callable[..., Any], *given: Any) -> Any:
    """Returns what is read, or None if it was refused as a person's input is: never else."""
    try:
        return read(*given)
    except SelfspecError as error:
        assert is_one_line(error)
        return None
