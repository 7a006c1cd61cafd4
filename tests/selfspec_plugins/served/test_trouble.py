"""A server that misbehaves: in the end there are the right texts, or one clear line."""

from __future__ import annotations

import json
import time

import loopback
import pytest
from loopback import KEY, Loopback
from test_served import GREEDY, PROMPTS, expected

from selfspec_core.errors import SelfspecError, UsageError
from selfspec_plugins.served import bounds


@pytest.mark.parametrize("trouble", loopback.PASSING, ids=lambda one: one.__name__)
def test_what_passes_leaves_the_right_texts(asking, trouble):
    with Loopback() as server:
        model = asking(server, timeout=_timeout(trouble))
        server.troubles = [trouble] * 3
        assert model.generate(PROMPTS, GREEDY) == expected()
        assert set(server.answered.values()) == {1}


def test_everything_at_once_leaves_the_right_texts(asking):
    with Loopback() as server:
        model = asking(server, timeout=_timeout(loopback.hang))
        several = [one for one in loopback.PASSING if one not in {loopback.hang, loopback.a_page}]
        others = [one for one in several if one not in loopback.MALFORMED]
        # three malformed answers and no more: a fourth to one question would be its last
        server.troubles = [loopback.hang, *several, *others]
        assert model.generate(PROMPTS, GREEDY) == expected()
        assert set(server.answered.values()) == {1}


def _timeout(trouble):
    """Seconds: what hangs is given up soon, but an answer on a busy machine is waited for."""
    return 3.0 if trouble is loopback.hang else 30.0


LINES = {
    "busy": r"HTTP 429: slow down, \[key\].*given up.*model\.patience = 0\.6 s",
    "busy_for_an_hour": r"HTTP 429: slow down, 3600 s to wait; given up \(model\.patience = 0\.6 s",
    "broken": r"HTTP 500: division by zero at \[key\]; given up after \d+ tr.*model\.patience",
    "starting": r"HTTP 503: <html>down</html>; given up.*model\.patience",
    "hang": r"no answer within 2 s \(model\.timeout\); given up after \d+ tr.*model\.patience",
    "cut": r"the connection was cut: .+; given up after \d+ tr",
    "cut_midway": r"the connection was cut: .+; given up after \d+ tr",
    "truncated": r"a malformed answer; given up after 4 tries",
    "no_choices": r"a malformed answer; given up after 4 tries",
    "no_text": r"a malformed answer; given up after 4 tries",
    "packed": r"an answer packed by the server, unasked; given up after 4 tries",
    "a_page": r"a malformed answer; given up after 4 tries",
}


@pytest.mark.parametrize("name", LINES)
def test_what_does_not_pass_ends_in_one_line(asking, name):
    with Loopback() as server:
        waits = {} if "4 tries" in LINES[name] else {"patience": 0.6}
        model = asking(server, **waits, timeout=2.0 if name == "hang" else 30.0)
        server.always = getattr(loopback, name)
        with pytest.raises(SelfspecError, match=rf"^{server.url}: {LINES[name]}") as caught:
            model.generate(PROMPTS[:3], GREEDY)
    line = str(caught.value)
    assert "\n" not in line and KEY not in line and len(line) < 400


@pytest.mark.parametrize("flood", [loopback.endless, loopback.endless_error])
def test_an_answer_without_end_is_read_to_the_limit(asking, flood, monkeypatch):
    monkeypatch.setattr(bounds, "MOST", 4 << 20)
    with Loopback() as server:
        model = asking(server)
        server.always = flood
        with pytest.raises(SelfspecError, match="an answer of more than 4 MB; given up after 4 tr"):
            model.generate(PROMPTS[:1], GREEDY)
        assert 4 * (4 << 20) < server.sent < 100 << 20


def test_what_came_before_an_error_is_kept(asking, tmp_path):
    """The first error ends the call, but what is under way is paid for and arrives."""
    with Loopback() as server:
        model = asking(server, folder=tmp_path, patience=0.2, concurrency=4)
        server.slow = 0.05
        server.troubles = [_refused]
        with pytest.raises(SelfspecError, match="HTTP 400: never"):
            model.generate(PROMPTS, GREEDY)
        answered = sum(server.answered.values()) - 1  # the probe
        assert answered >= 3
        again = asking(server, folder=tmp_path)
        assert again.generate(PROMPTS, GREEDY) == expected()
        assert set(server.answered.values()) == {1}


def _refused(handler):
    handler.refuse(400, "never")


def test_a_burst_halves_what_the_server_is_given(asking):
    with Loopback() as server:
        server.slow, server.most_at_once = 0.01, 3
        model = asking(server)
        assert model.generate(PROMPTS * 1, GREEDY) == expected()
        assert set(server.answered.values()) == {1}


def test_a_server_that_starts_slowly_is_waited_for(asking, caplog):
    with Loopback(start_after=0.6) as server:
        assert asking(server).generate(PROMPTS, GREEDY) == expected()
    assert f"waiting for {server.url}: no connection" in caplog.text


def test_a_server_whose_list_is_broken_is_asked_without_it(asking):
    with Loopback(start_after=0.6) as server:
        server.broken_list = True
        model = asking(server, server_model="m")
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_a_server_that_never_starts_ends_in_one_line(asking):
    server = Loopback()
    began = time.monotonic()
    told = r"given up after \d+ tr(?:y|ies) \(model\.patience = 0\.3 s\)"
    line = rf"^{server.url}: no connection: .*{told}$"
    with pytest.raises(SelfspecError, match=line):
        asking(server, patience=0.3)
    assert time.monotonic() - began < 60


def test_a_server_that_goes_away_for_a_moment(asking):
    with Loopback() as server:
        model = asking(server)
    again = Loopback(start_after=0.4)
    again.port = server.port
    with again:
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_a_wrong_model_is_named_with_the_nearest(asking):
    with Loopback(models=[{"id": "llama-3-8b"}, {"id": "qwen"}]) as server:
        line = r"^model\.server_model: the server has no 'llama-8b'; did you mean 'llama-3-8b'\?$"
        with pytest.raises(UsageError, match=line):
            asking(server, server_model="llama-8b")


def test_an_address_without_its_end_ends_in_one_line(asking):
    with Loopback(models=None, paths=()) as server:
        with pytest.raises(
            UsageError, match=rf"^{server.url}: HTTP 404: Not Found; model\.base_url .*/v1$"
        ):
            asking(server, server_model="m")


def test_a_refused_key_is_not_repeated(asking, monkeypatch):
    with Loopback() as server:
        server.key = "another"
        with pytest.raises(UsageError) as caught:
            asking(server)
        assert str(caught.value) == (f"{server.url} refuses the key in OPENAI_API_KEY (HTTP 401)")
        monkeypatch.delenv("OPENAI_API_KEY")
        with pytest.raises(UsageError, match=r"wants a key: set OPENAI_API_KEY$"):
            asking(server)


def test_an_account_without_credit_is_not_asked_again(asking):
    def spent(handler):
        body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
        handler.reply(429, body)

    with Loopback() as server:
        model = asking(server)
        before, server.always = len(server.received), spent
        with pytest.raises(SelfspecError, match="no credit left: You exceeded your quota"):
            model.generate(["x"], GREEDY)
        assert len(server.received) == before + 1


def test_a_line_that_a_kill_cut_short_is_asked_again(asking, tmp_path):
    with Loopback() as server:
        asking(server, folder=tmp_path).generate(PROMPTS, GREEDY)
        file = tmp_path / "requests.jsonl"
        whole = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(whole[:-1]) + whole[-1][:20])
        lost = len(server.received)
        assert asking(server, folder=tmp_path).generate(PROMPTS, GREEDY) == expected()
        assert len(server.received) == lost + 1
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert len({row["request"] for row in rows}) == len(rows) == len(whole)
