"""What comes out of a server that behaves."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import loopback
import pytest
from loopback import KEY, Loopback, broken, logs, said, tokens_of

from selfspec_core import Sampling, SelfspecError, UsageError

PROMPTS = [f"Question {n}\nAnswer:" for n in range(24)]
GREEDY = Sampling(max_new_tokens=5, stop=("\n",))


def expected(prompts=PROMPTS, model="m", tokens=5):
    body = {"model": model, "temperature": 0.0, "max_tokens": tokens}
    return [said(prompt, body) for prompt in prompts]


def test_texts_come_back_in_order(asking):
    with Loopback() as server:
        model = asking(server)
        assert model.generate(PROMPTS, GREEDY) == expected()
        assert model.capabilities.context == 512
        assert model.describe()["endpoint"] == "completions"
        assert server.received[-1]["stop"] == ["\n"]


def test_llama_cpp_says_under_meta_how_much_a_model_takes(asking):
    with Loopback(models=[{"id": "m", "meta": {"n_ctx": 640, "n_ctx_train": 8192}}]) as server:
        assert asking(server).capabilities.context == 640


@pytest.mark.parametrize(
    ("said", "context"),
    [
        ({"max_model_len": 0}, None),
        ({"max_model_len": -1, "n_ctx": 640}, 640),
        ({"max_model_len": True}, None),
        ({"n_ctx": None, "meta": {"n_ctx": 640}}, 640),
        ({"n_ctx": 320, "meta": {"max_model_len": 640}}, 320),
        ({"meta": ["n_ctx"]}, None),
    ],
    ids=str,
)
def test_only_a_number_of_tokens_is_a_context(asking, said, context):
    with Loopback(models=[{"id": "m", **said}]) as server:
        assert asking(server).capabilities.context == context


def test_a_chat_is_asked_where_that_is_all_there_is(asking):
    with Loopback(paths=("chat/completions",)) as server:
        model = asking(server)
        assert model.capabilities.chat and not model.capabilities.likelihood
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_a_chat_is_asked_where_it_is_wanted(asking):
    with Loopback() as server:
        model = asking(server, chat=True)
        assert model.capabilities.chat
        model.generate(PROMPTS, GREEDY)
        assert all("messages" in body for body in server.received)


def test_no_chat_where_none_is_wanted(asking):
    with Loopback(paths=("chat/completions",)) as server, pytest.raises(UsageError, match="404"):
        asking(server, chat=False)


def test_text_ends_before_the_first_stop_string_also_beyond_what_servers_take(asking):
    stops = ("1", "2", "3", "4", "END")
    with Loopback(say=lambda *_: "one END two") as server:
        model = asking(server)
        assert model.generate(["x"], Sampling(stop=stops)) == ["one "]
        assert server.received[-1]["stop"] == list(stops[:4])


def test_sampled_rows_have_seeds_of_their_own_and_the_same_ones_again(asking):
    sampling = Sampling(max_new_tokens=5, temperature=0.7, random_seed=3)
    with Loopback() as server:
        texts = asking(server).generate(["same"] * 4, sampling)
        assert len(set(texts)) == 4
        assert asking(server).generate(["same"] * 4, sampling) == texts
        assert asking(server).generate(["same"] * 2, sampling) == texts[:2]


def test_the_same_question_is_asked_once(asking):
    with Loopback() as server:
        texts = asking(server).generate(["same"] * 5, GREEDY)
        assert texts == expected(["same"]) * 5 and server.prompts == ["same"]


def test_likelihood_is_that_of_the_tokens_that_reach_into_the_continuation(asking):
    pairs = [("abcdef", "xyz"), ("abcd", "xyz12"), ("ab", "x")]
    with Loopback() as server:
        model = asking(server)
        assert model.capabilities.likelihood
        found = model.loglikelihood(pairs)
    for (prompt, continuation), value in zip(pairs, found, strict=True):
        end, total = 0, 0.0
        tokens = tokens_of(prompt + continuation)
        for token, log in zip(tokens, logs(["<s>", *tokens])[1:], strict=True):
            end += len(token)
            total += log if end > len(prompt) else 0.0
        assert value == pytest.approx(total)


@pytest.mark.parametrize("log", [float("nan"), float("inf"), -(10**400), True])
def test_a_likelihood_that_is_no_number_is_malformed_and_not_kept(asking, tmp_path, log):
    with Loopback() as server:
        model = asking(server, folder=tmp_path)
        server.always = lambda handler: handler.reply(
            200,
            {"choices": [{"logprobs": {"tokens": ["a", "b", "x"], "token_logprobs": [0, log, 0]}}]},
        )
        with pytest.raises(SelfspecError, match="a malformed answer; given up after 4 tries"):
            model.loglikelihood([("a", "b")])
        server.always = None
        assert model.loglikelihood([("a", "b")])[0] < 0  # it is asked again


def test_without_an_echo_there_is_no_likelihood(asking):
    with Loopback(echo=False) as server:
        model = asking(server)
        assert not model.capabilities.likelihood
        with pytest.raises(UsageError, match="has no likelihoods"):
            model.loglikelihood([("a", "b")])


def test_a_prompt_that_is_too_long_loses_its_beginning(asking):
    prompt = "".join(f"{n:04d} " for n in range(60))
    with Loopback() as server:
        server.longest_prompt = 200
        [text] = asking(server).generate([prompt], GREEDY)
        [asked] = [p for p in server.prompts if len(p) <= 200]
    assert prompt.endswith(asked) and len(asked) > 150 and text == expected([asked])[0]


def test_servers_share_the_work(asking):
    with Loopback() as one, Loopback() as two:
        one.slow = two.slow = 0.02
        assert asking(one, two).generate(PROMPTS, GREEDY) == expected()
        assert len(one.prompts) + len(two.prompts) == len(PROMPTS)
        assert min(len(one.prompts), len(two.prompts)) > len(PROMPTS) // 4


def test_one_server_does_the_work_of_one_that_is_gone(asking):
    with Loopback() as one:
        with Loopback() as two:
            model = asking(one, two)
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_no_more_at_a_time_than_the_setting(asking):
    with Loopback() as server:
        server.slow = 0.02
        asking(server, concurrency=3).generate(PROMPTS, GREEDY)
        assert server.peak == 3


def test_it_works_for_several_threads_at_once(asking):
    from concurrent.futures import ThreadPoolExecutor

    with Loopback() as server, ThreadPoolExecutor(4) as pool:
        model = asking(server)
        parts = [PROMPTS[at : at + 6] for at in range(0, 24, 6)]
        texts = list(pool.map(lambda part: model.generate(part, GREEDY), parts))
    assert sum(texts, []) == expected()


def test_progress_counts_every_prompt_once(asking):
    class Counting:
        done = 0

        def advance(self, done=1):
            self.done += done

    with Loopback() as server:
        model, first, again = asking(server), Counting(), Counting()
        model.generate([*PROMPTS, PROMPTS[0]], GREEDY, first)
        model.generate([*PROMPTS, PROMPTS[0]], GREEDY, again)
        assert (first.done, again.done) == (25, 25)


def test_the_only_model_there_needs_no_name(asking):
    with Loopback(models=[{"id": "m"}, {"id": "n"}]) as server:
        with pytest.raises(UsageError, match="model.server_model: .*known: m, n"):
            asking(server)
        assert asking(server, server_model="n").describe()["name"] == "n"


def test_a_server_without_a_list_has_to_be_told_the_name(asking):
    with Loopback(models=None) as server:
        assert asking(server, server_model="m").generate(["x"], GREEDY) == expected(["x"])
        with pytest.raises(UsageError, match="model.server_model"):
            asking(server)


def test_an_adapter_is_asked_by_the_name_of_its_weights(asking, tmp_path):
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    with Loopback() as server, Loopback() as other:
        model = asking(server, other, adapters=True)
        assert model.capabilities.adapters
        model.use_adapter(tmp_path)
        [row] = server.adapters
        assert row["id"] == other.adapters[0]["id"]
        assert model.generate(PROMPTS, GREEDY) == expected(model=row["id"])
        model.use_adapter(tmp_path)
        assert len(server.adapters) == 1
        (tmp_path / "adapter_model.safetensors").write_bytes(b"others")
        model.use_adapter(tmp_path)
        assert len(server.adapters) == 2
        model.use_adapter(None)
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_adapters_are_refused_unless_the_setting_says_so(asking, tmp_path):
    with Loopback() as server, pytest.raises(UsageError, match=r"training\.model, or model\.adap"):
        asking(server).use_adapter(tmp_path)


def test_the_specialist_works_on_the_server_where_adapters_are_taken(asking, tmp_path):
    from selfspec_core import Context
    from selfspec_core.components import Generator, Model
    from selfspec_core.config import Settings
    from selfspec_core.stages.by_specialist import BySpecialist

    class Asking(Generator):
        name, summary = "asking", "says who works"

        def answer(self, instructions, batch, context):
            return [type(context.model).__name__]

    class Local(Model):
        name, summary = "local", "stands for the model that is tuned"

        def use_adapter(self, path):
            pass

    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    with Loopback() as server:
        for taken, who in ((True, "Served"), (False, "Local")):
            context = Context("d", asking(server, adapters=taken), Settings(), ())
            at_work = BySpecialist(Asking(), tmp_path, Local())
            assert at_work.answer([], 0, context) == [who]


def test_the_journal_holds_what_was_said_and_what_it_took(asking, tmp_path: Path):
    with Loopback() as server:
        asking(server, folder=tmp_path).generate(["x"], GREEDY)
    rows = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert [row["answer"] for row in rows] == [["completions", True], *expected(["x"])]
    assert rows[1]["tokens"] == [1, 1] and KEY not in (tmp_path / "requests.jsonl").read_text()


def test_fields_of_the_users_go_into_each_request(asking):
    with Loopback() as server:
        model = asking(server, request={"top_k": 7, "chat_template_kwargs": {"thinking": False}})
        model.generate(["x"], GREEDY)
        asked = server.received[-1]
    assert asked["top_k"] == 7 and asked["chat_template_kwargs"] == {"thinking": False}
    assert asked["model"] == "m" and asked["temperature"] == 0


def test_what_a_server_offers_is_found_out_once_a_run(asking, tmp_path):
    with Loopback() as server:
        asking(server, folder=tmp_path)
        server.echo = False
        assert asking(server, folder=tmp_path).capabilities.likelihood
        assert len(server.received) == 1
        assert not asking(server).capabilities.likelihood


@pytest.mark.parametrize("kept", [5, ["/../v2/x", True], ["completions", "yes"], None])
def test_what_another_wrote_down_of_a_server_is_found_out_anew(asking, tmp_path, kept):
    row = {"request": "offer of m, chat None", "answer": kept}
    (tmp_path / "requests.jsonl").write_text(json.dumps(row) + "\n")
    with Loopback() as server:
        model = asking(server, folder=tmp_path)
        assert model.describe()["endpoint"] == "completions" and model.capabilities.likelihood


def test_an_echo_that_fails_for_ever_is_done_without(asking):
    with Loopback() as server:
        server.troubles = [broken] * 4
        model = asking(server)
        assert not model.capabilities.likelihood and not model.capabilities.chat
        assert model.generate(PROMPTS, GREEDY) == expected()


def test_the_client_is_asked_for_by_the_name_of_the_extra(asking, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with Loopback() as server, pytest.raises(UsageError, match=r"pip install 'selfspec\[openai\]'"):
        asking(server)


def test_a_key_that_the_server_writes_back_goes_no_further(asking, tmp_path: Path):
    with Loopback(say=lambda prompt, body: f"the key is {KEY}, is it not?") as server:
        model = asking(server, folder=tmp_path)
        assert model.generate(["x"], GREEDY) == ["the key is [key], is it not?"]
    assert KEY not in (tmp_path / "requests.jsonl").read_text()


def test_a_key_in_the_list_of_models_goes_no_further(asking, tmp_path: Path):
    with Loopback(models=[{"id": "m", "root": f"/models/{KEY}\ud800"}]) as server:
        assert asking(server, folder=tmp_path).describe()["root"] == "/models/[key]?"


@pytest.mark.parametrize("listed", [b"[" * 100_000, b'{"data": [{"id": {}}]}', b'{"data": 7}'])
def test_a_list_of_models_that_makes_no_sense_is_done_without(asking, monkeypatch, listed):
    monkeypatch.setattr(loopback.Handler, "do_GET", lambda handler: handler.reply(200, listed))
    with Loopback() as server:
        assert asking(server, server_model="m").generate(PROMPTS, GREEDY) == expected()


def test_answers_and_the_name_of_their_file_are_on_the_disk(asking, tmp_path: Path, monkeypatch):
    synced, fsync = [], os.fsync

    def watched(number):
        synced.append(Path(os.readlink(f"/proc/self/fd/{number}")))
        fsync(number)

    monkeypatch.setattr(os, "fsync", watched)
    with Loopback() as server:
        asking(server, folder=tmp_path).generate(["x"], GREEDY)
    assert synced[-2:] == [tmp_path / "requests.jsonl", tmp_path]
