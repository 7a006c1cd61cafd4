"""How many requests a server is given at a time, how long it is left alone; secrets."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from loopback import KEY

from selfspec_core import UsageError
from selfspec_core.config import ModelSettings
from selfspec_plugins.served.addresses import check_addresses
from selfspec_plugins.served.gate import FIRST, Gate
from selfspec_plugins.served.model import Served
from selfspec_plugins.served.trouble import Where, retry_after


def test_one_more_with_every_round_of_answers():
    gate = Gate(64)
    for round in range(1, 11):
        gate.running = int(gate.limit) + 1
        for _ in range(int(gate.limit)):
            gate.answered()
        assert FIRST + 0.8 * round < gate.limit <= FIRST + round


def test_never_more_than_the_setting():
    gate = Gate(9)
    gate.running = 9
    for _ in range(1000):
        gate.answered()
    assert gate.limit == 9 and Gate(3).limit == 3


def test_nothing_is_learnt_while_there_is_room():
    gate = Gate(64)
    gate.running = int(FIRST) - 1
    gate.answered()
    assert gate.limit == FIRST


def test_a_burst_halves_once_and_one_is_the_least():
    gate = Gate(64)
    for _ in range(8):
        gate.overloaded(sent=1.0, now=2.0)
    assert gate.limit == FIRST / 2
    for turn in range(3, 20):
        gate.overloaded(sent=turn, now=turn + 0.5)
    assert gate.limit == 1


def test_it_is_closed_for_as_long_as_it_was_asked():
    gate = Gate(64)
    gate.close(sent=0.0, now=10.0, wait=5.0)
    gate.close(sent=0.0, now=10.0, wait=2.0)
    assert not gate.free(14.9) and gate.free(15.0)


def test_it_is_closed_for_longer_each_time_in_a_row(monkeypatch):
    monkeypatch.setattr("selfspec_plugins.served.gate.random.uniform", lambda low, high: high)
    gate, waits, now = Gate(64), [], 100.0
    for _ in range(4):
        gate.close(sent=now, now=now + 1, wait=None)
        gate.close(sent=now, now=now + 1, wait=None)  # sent together with it
        waits.append(gate.opens - now - 1)
        now = gate.opens
    assert waits == pytest.approx([waits[0] * 2**n for n in range(4)])
    gate.answered()
    gate.close(sent=now, now=now + 1, wait=None)
    assert gate.opens - now - 1 == pytest.approx(waits[0])


def test_no_more_than_the_limit_are_under_way():
    gate = Gate(2)
    gate.running = 2
    assert not gate.free(0.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, 0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
        ({"retry-after": f"Mon, 01 Jan {10**20} 00:00:00 GMT"}, None),
        ({"retry-after": "nan"}, 0),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_a_date():
    until = formatdate(time.time() + 100, usegmt=True)
    assert 90 < retry_after({"retry-after": until}) <= 100


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@host/v1",
        "http://secret@host/v1",
        "http://host/v1?api_key=secret",
        "http://host/v1#secret",
        f"http://host/{KEY}/v1",
    ],
)
def test_an_address_with_a_secret_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError, match="OPENAI_API_KEY") as caught:
        check_addresses([url], "OPENAI_API_KEY")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["host/v1", "ftp://host", "http://", "http://host:x/v1", ""])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError, match=r"model\.base_url = "):
        check_addresses([url], "OPENAI_API_KEY")


@pytest.mark.parametrize("urls", [[], ["http://a/v1", "http://a/v1/"]])
def test_none_and_twice_the_same_are_refused(urls):
    with pytest.raises(UsageError, match=r"model\.base_url: name"):
        check_addresses(urls, "OPENAI_API_KEY")


@pytest.mark.parametrize("variable", ["sk-secret", "sk_secret", "", "A B"])
def test_a_key_in_place_of_its_variable_is_not_repeated(variable):
    with pytest.raises(UsageError, match=r"model\.key_variable") as caught:
        check_addresses(["http://host/v1"], variable)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-secret\nX: y", "sk secret", "sk-secrét"])
def test_what_cannot_be_a_key_is_not_repeated(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UsageError, match="holds what no key has") as caught:
        check_addresses(["http://host/v1"], "OPENAI_API_KEY")
    assert "secr" not in str(caught.value)


def test_the_servers_words_are_one_short_line_without_the_key():
    where = Where("u", "V", KEY)
    assert where.clean(f"a\n{KEY}  b") == "a [key] b" and len(where.clean("x" * 999)) == 200


def test_a_key_in_any_setting_is_refused_and_a_place_holder_is_none(monkeypatch):
    settings = ModelSettings(base_url=("http://host/v1",), request={"user": KEY})
    with pytest.raises(UsageError, match="the key itself stands in a setting") as caught:
        Served(settings).check()
    assert KEY not in str(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", "v1")
    Served(settings).check()
