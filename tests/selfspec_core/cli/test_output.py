"""Text from anywhere, on a terminal and as JSON."""

import json

from selfspec_core.cli.output import plain, print_json

HOSTILE = "a\x1b[31m\x9b1m\u202eb\nc\ud800 [bold]é 𝄞"


def test_plain_text_is_one_line_that_a_terminal_only_shows():
    assert plain(HOSTILE) == "a [31m 1m b c  [bold]é 𝄞"


def test_json_holds_the_same_text_and_nothing_that_a_terminal_acts_on(capsys):
    print_json({"text": HOSTILE, "list": [1, "x"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"text": HOSTILE, "list": [1, "x"]}
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "é 𝄞" in out
