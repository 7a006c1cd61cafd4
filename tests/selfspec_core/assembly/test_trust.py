"""Data does not switch on what only the user may: a recipe, a domain, somebody else's run."""

import json

import pytest

from selfspec_core.assembly.assemble import AdHoc, load_host
from selfspec_core.assembly.request import Request, resolve_settings
from selfspec_core.errors import UsageError
from selfspec_core.sweeps.points import SweepFolder

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


@pytest.mark.parametrize(
    ("over", "value"), [("model.trust_remote_code", True), ("model", TRUSTING["model"])]
)
def test_what_a_sweep_is_over_does_not_speak_for_its_reader_either(
    tmp_path, monkeypatch, over, value
):
    asked = {"request": {"domain": "x"}, "over": over, "values": [value]}
    (tmp_path / "sweep.json").write_text(json.dumps({"sweep": asked}))
    with pytest.raises(UsageError, match=r"sweep.json: .* set SELFSPEC_TRUST_REMOTE_CODE=1"):
        SweepFolder.open(tmp_path)
    monkeypatch.setenv("SELFSPEC_TRUST_REMOTE_CODE", "1")
    assert SweepFolder.open(tmp_path).sweep.values == (value,)
