"""Data does not switch on what only the user may: a recipe, a domain, somebody else's run."""

import pytest

from selfspec_core.assembly.assemble import AdHoc, load_host
from selfspec_core.assembly.request import Request, check_settings, resolve_settings
from selfspec_core.assembly.trust import remember_hosts
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError
from selfspec_core.sweeps.points import Sweep, SweepFolder

ABOUT = {"domain": "x", "model": "openai", "notes": [], "failed": {}}
TRUSTING = {"model": {"trust_remote_code": True}}


def test_only_a_flag_lets_code_of_a_model_run(tmp_path):
    host, file = load_host(None), tmp_path / "shared.toml"
    file.write_text("[model]\ntrust_remote_code = true\n")
    with pytest.raises(UsageError, match=r"shared.toml: 'model.trust_remote_code': only --set"):
        resolve_settings(Request("x", str(file)), AdHoc(), host)

    class Domain(AdHoc):
        def recipe(self, size):
            return TRUSTING

    with pytest.raises(UsageError, match="recipe quick: 'model.trust_remote_code'"):
        resolve_settings(Request("x"), Domain(), host)
    assert resolve_settings(Request("x", set=(TRUSTING,)), AdHoc(), host).model.trust_remote_code


def test_a_run_does_not_speak_for_its_reader(tmp_path, monkeypatch):
    manifest = tmp_path / "manifest.json"
    asked = {"domain": "x", "set": [TRUSTING]}
    with pytest.raises(UsageError, match=r"manifest.json: .* set SELFSPEC_TRUST_REMOTE_CODE=1"):
        Request.from_dict(asked, manifest)
    monkeypatch.setenv("SELFSPEC_TRUST_REMOTE_CODE", "1")
    assert Request.from_dict(asked, manifest).set == (TRUSTING,)
    monkeypatch.delenv("SELFSPEC_TRUST_REMOTE_CODE")
    off = {"domain": "x", "set": [{"model": {"trust_remote_code": False}}]}
    assert Request.from_dict(off, manifest)


ELSEWHERE = {"model": {"name": "openai", "base_url": ["https://Elsewhere.example/v1"]}}


def test_a_run_or_recipe_does_not_say_who_gets_a_key(tmp_path, monkeypatch):
    host, recipe, manifest = load_host(None), tmp_path / "shared.toml", tmp_path / "manifest.json"
    recipe.write_text('[model]\nname = "openai"\nbase_url = "https://elsewhere.example/v1"\n')
    asked = {"domain": "x", "set": [ELSEWHERE]}
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert Request.from_dict(asked, manifest)  # there is none to send
    assert resolve_settings(Request("x", str(recipe)), AdHoc(), host)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    refused = r"your key \(OPENAI_API_KEY\) would be sent to elsewhere\.example.*HOSTS=elsewhere"
    with pytest.raises(UsageError, match=rf"^{manifest}: model.base_url: {refused}"):
        Request.from_dict(asked, manifest)
    with pytest.raises(UsageError, match=rf"^{recipe}: model.base_url: {refused}"):
        resolve_settings(Request("x", str(recipe)), AdHoc(), host)
    assert resolve_settings(Request("x", set=(ELSEWHERE,)), AdHoc(), host)  # the user's own word
    monkeypatch.setenv("SELFSPEC_TRUST_HOSTS", "mine.example, elsewhere.example")
    assert Request.from_dict(asked, manifest)
    assert resolve_settings(Request("x", str(recipe)), AdHoc(), host)


def test_what_the_user_said_once_goes_on_without_being_said_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFSPEC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    run = {"domain": "x", "set": [ELSEWHERE]}
    remember_hosts([ELSEWHERE])
    remember_hosts([ELSEWHERE])
    assert Request.from_dict(run, tmp_path / "manifest.json")
    remembered = (tmp_path / "data/hosts").read_text()
    assert remembered == "elsewhere.example OPENAI_API_KEY\n"  # once, and no key
    monkeypatch.setenv("OTHER_SECRET", "0123456789")
    theirs = {"domain": "x", "set": [ELSEWHERE, {"model": {"key_variable": "OTHER_SECRET"}}]}
    with pytest.raises(UsageError, match=r"your key \(OTHER_SECRET\) would be sent to elsewhere"):
        Request.from_dict(theirs, tmp_path / "manifest.json")


def test_nor_which_cluster_is_joined(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFSPEC_DATA", str(tmp_path / "data"))
    joining = {"executor": {"name": "ray", "address": "head.example:6379"}}
    run, manifest = {"domain": "x", "set": [joining]}, tmp_path / "manifest.json"
    said = r"the Ray cluster of head\.example would be joined.*HOSTS=head\.example$"
    with pytest.raises(UsageError, match=rf"^{manifest}: executor.address: {said}"):
        Request.from_dict(run, manifest)
    assert Request.from_dict({"domain": "x", "set": [{"executor": {"name": "ray"}}]}, manifest)
    remember_hosts([joining])
    assert Request.from_dict(run, manifest)


def test_nor_which_variable_is_the_key(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OTHER_SECRET", "0123456789")
    other, recipe = {"model": {"key_variable": "OTHER_SECRET"}}, tmp_path / "shared.toml"
    recipe.write_text('[model]\nkey_variable = "OTHER_SECRET"\n')
    with pytest.raises(UsageError, match="would be sent to elsewhere"):
        Request.from_dict({"domain": "x", "set": [ELSEWHERE, other]}, tmp_path / "manifest.json")
    with pytest.raises(UsageError, match="would be sent to elsewhere"):
        resolve_settings(Request("x", str(recipe), set=(ELSEWHERE,)), AdHoc(), load_host(None))


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "http://127.0.0.1/v1", "http://[::1]"])
def test_a_server_of_this_machine_may_have_it(tmp_path, monkeypatch, url):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    asked = {"domain": "x", "set": [{"model": {"base_url": url}}]}
    assert Request.from_dict(asked, tmp_path / "manifest.json")


def test_what_runs_said_is_compared_whoever_had_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    asked = {"domain": "x", "set": [ELSEWHERE, TRUSTING]}
    read = Request.from_dict(asked, tmp_path / "manifest.json", works=False)
    assert read.set == (ELSEWHERE, TRUSTING)


def test_a_sweep_is_shown_but_not_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    url = ELSEWHERE["model"]["base_url"][0]
    asked = Sweep(Request("x"), "model.base_url", ("http://localhost/v1", url))
    SweepFolder.create(tmp_path / "s", asked, ABOUT).close()
    read = SweepFolder.open(tmp_path / "s")
    with pytest.raises(UsageError, match=r"s/sweep.json: .* would be sent to elsewhere\.example"):
        read.check_trust()


def test_a_password_in_an_address_is_refused_whichever_model_is_asked():
    host = load_host(None)
    settings = Settings.model_validate({"model": {"base_url": ["http://me:secret@host/v1"]}})
    with pytest.raises(UsageError, match=r"base_url: an address with a user") as raised:
        check_settings(settings, host, host.build("models", "scripted"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("over", "value"), [("model.trust_remote_code", True), ("model", TRUSTING["model"])]
)
def test_what_a_sweep_is_over_does_not_speak_for_its_reader_either(
    tmp_path, monkeypatch, over, value
):
    SweepFolder.create(tmp_path / "s", Sweep(Request("x"), over, (value,)), ABOUT).close()
    with pytest.raises(UsageError, match=r"sweep.json: .* set SELFSPEC_TRUST_REMOTE_CODE=1"):
        SweepFolder.open(tmp_path / "s").check_trust()
    monkeypatch.setenv("SELFSPEC_TRUST_REMOTE_CODE", "1")
    SweepFolder.open(tmp_path / "s").check_trust()
