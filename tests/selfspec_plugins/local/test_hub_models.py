"""Models of the hub: pinned to a revision, gated, absent. The client is real, the hub is not."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
import tiny_models
from huggingface_hub import get_session

from selfspec_core.assembly.request import Request
from selfspec_core.cli.session import start
from selfspec_core.config import ModelSettings
from selfspec_core.errors import UsageError
from selfspec_plugins.local import loading
from selfspec_plugins.local.transformers_model import TransformersModel

# What the hub's client asks through; newer ones have httpx2.
httpx = import_module(type(get_session()).__module__.partition(".")[0])
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def client():
    """Returns the library that the hub's client asks through: httpx, or httpx after it."""
    return import_module(type(get_session()).__module__.partition(".")[0])


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Returns `hub(answer)`, after which the client gets what `answer(request)` returns."""
    from huggingface_hub import close_session, constants, set_client_factory
    from huggingface_hub.utils import _http

    monkeypatch.setattr(loading, "_hub_resolves", lambda: True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    def serve(answer):
        transport = httpx.MockTransport(answer)
        close_session()
        set_client_factory(lambda: httpx.Client(transport=transport, follow_redirects=True))

    yield serve
    close_session()
    set_client_factory(_http.default_client_factory)


def refusing(status, **headers):
    named = {f"X-{key.replace('_', '-')}": value for key, value in headers.items()}
    return lambda request: httpx.Response(status, headers=named, json={"error": "no"})


def error(**settings):
    """Returns what is said of a model; the same before a run begins and when it is loaded."""
    model = TransformersModel(ModelSettings(name="meta/Llama", **settings))
    said = set()
    for step in (model.reach, model.load):
        with pytest.raises(UsageError) as caught:
            step()
        said.add(str(caught.value))
    (line,) = said
    assert "\n" not in line
    return line


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_where_to_accept_and_what_to_set(hub, status):
    hub(refusing(status, Error_Code="GatedRepo"))
    assert error() == (
        "--model meta/Llama: gated: accept its licence at https://huggingface.co/meta/Llama, and "
        "set HF_TOKEN to a token of that account (or `hf auth login`)"
    )


@pytest.mark.parametrize(
    ("status", "headers"), [(401, {}), (404, {"Error_Code": "RepoNotFound"}), (403, {})]
)
def test_what_the_hub_does_not_show_may_be_absent_or_private(hub, status, headers):
    hub(refusing(status, **headers))
    said = error()
    assert "knows no such model, or it is private or gated" in said and "HF_TOKEN" in said


def test_a_revision_that_is_not_there_is_named(hub):
    hub(refusing(404, Error_Code="RevisionNotFound"))
    said = error(revision="v9")
    assert said == "--model meta/Llama: has no revision 'v9'; expected a branch, a tag or a commit"


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"baselines": ("nope",)}, "--baseline"),
        ({"set": ({"training": {"model": "nope"}},)}, "--model"),
    ],
)
def test_a_model_that_would_be_loaded_late_is_missed_before_the_run_begins(
    monkeypatch, tmp_path, given, flag
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "_hub_resolves", lambda: False)
    with pytest.raises(UsageError) as caught:
        start("late", Request("finance", model="scripted", **given), {})
    assert str(caught.value) == (
        f"{flag} nope: the hub cannot be reached and the model is not in the local cache; "
        "--model PATH takes a local folder"
    )
    assert not list(tmp_path.iterdir())


def test_a_pinned_model_is_loaded_at_its_revision_and_names_the_commit(hub, tmp_path):
    folder, asked = tiny_models.build(tmp_path / "model"), set()

    def answer(request):
        found = re.fullmatch(r"/meta/Llama/resolve/([^/]+)/(.+)", request.url.path)
        if "/revision/" in request.url.path:
            asked.add(request.url.path.rpartition("/")[2])
            return httpx.Response(200, json={"id": "meta/Llama", "sha": COMMIT, "siblings": []})
        if found is None or not (folder / found[2]).is_file():
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}
            return httpx.Response(404, headers=headers)
        asked.add(found[1])
        data = (folder / found[2]).read_bytes()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{len(data)}-{found[2]}"'}
        if request.method == "HEAD":
            return httpx.Response(200, headers={**headers, "Content-Length": str(len(data))})
        return httpx.Response(200, headers=headers, content=data)

    hub(answer)
    model = TransformersModel(ModelSettings(name="meta/Llama@v1"))
    model.load()
    assert model.describe()["revision"] == COMMIT and model.given_name == "meta/Llama"
    assert "v1" in asked and asked <= {"v1", COMMIT}
