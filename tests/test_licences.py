"""What selfspec stands on may be used with it."""

from __future__ import annotations

import sys
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parent))

import licences


def test_every_licence_is_allowed() -> None:
    rows = licences.closure()
    assert {"click", "markupsafe", "mdurl"} <= {row.name for row in rows if row.version}
    assert [(row.name, row.licence) for row in rows if not row.fine] == []


def test_no_reason_is_left_over() -> None:
    rows = {row.name: row for row in licences.closure() if row.version}
    here = rows.keys() & licences.REASONS.keys()  # what an extra brings may not be installed
    assert here
    for name in here:
        assert not licences.allowed(rows[name].licence), name


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT AND GPL-3.0-only OR AGPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR (BSD-3-Clause AND ISC))", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("LGPL-3.0-or-later", False),
        ("unknown", False),
    ],
)
def test_expressions(expression: str, fine: bool) -> None:
    assert licences.allowed(expression) is fine


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"License-Expression": "MIT OR Apache-2.0", "License": "anything"}, "MIT OR Apache-2.0"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"License": "MIT License\n\nCopyright (c) somebody"}, "MIT"),
        ({"License": "MIT", "Classifier": "OSI Approved :: MIT License"}, "MIT"),
        ({"License": "=====\nlong text", "Classifier": "OSI Approved :: BSD License"}, "BSD"),
        (
            {
                "License": "MIT",
                "Classifier": "OSI Approved :: GNU Affero General Public License v3",
            },
            "MIT AND GNU Affero General Public License v3",
        ),
        ({"License": "GPLv3", "Classifier": "OSI Approved :: MIT License"}, "GPLv3 AND MIT"),
        ({"Classifier": "Other/Proprietary License"}, "Other/Proprietary License"),
        ({"License": "my own terms\nof two lines"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_what_metadata_says(said: dict[str, str], licence: str) -> None:
    metadata = Message()
    for key, value in said.items():
        metadata[key] = f"License :: {value}" if key == "Classifier" else value
    assert licences.licence_of(SimpleNamespace(metadata=metadata)) == licence
