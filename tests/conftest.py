"""Places to try the command line in: packages put on the path, or a fresh environment (slow)."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).parents[1]
LOCAL = (None, "", "localhost", "127.0.0.1", "::1")
CONSTRAINTS = ("-c", str(ROOT / "constraints.txt"))


@dataclass
class OnThePath:
    """This environment, with packages made importable as installing them would."""

    folder: Path
    path: list[str] = field(default_factory=list)

    def install(self, *packages: Path) -> None:
        for package in packages:
            project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
            stem = f"{project['name'].replace('-', '_')}-{project['version']}"
            info = self.folder / "site" / f"{stem}.dist-info"
            info.mkdir(parents=True)
            head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n"
            (info / "METADATA").write_text(head)
            [(group, entries)] = project["entry-points"].items()
            [(name, module)] = entries.items()
            (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
            self.path += [str(package)]

    def pip(self, *words: str) -> None:
        """Follows `pip install ./FOLDER[extras]`; the extras are here already."""
        self.install(*(self.folder / w.partition("[")[0] for w in words if w.startswith("./")))

    def selfspec(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "selfspec_core", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = [ROOT, ROOT / "plugins", ROOT / "seeds", ROOT / "domains/finance"]
        path = [str(self.folder / "site"), *self.path, *map(str, own)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        return called([sys.executable, *words], self.folder, env)


@dataclass
class Fresh:
    """An environment of its own with the light install: no torch."""

    folder: Path
    bin: Path

    def install(self, *packages: Path) -> None:
        self.pip("install", *CONSTRAINTS, *map(str, packages))

    def pip(self, *words: str) -> None:
        done = self.python("-m", "pip", *words)
        assert done.returncode == 0, done.stderr[-2000:]

    def selfspec(self, *words: str) -> subprocess.CompletedProcess[str]:
        return called([str(self.bin / "selfspec"), *words], self.folder, clean())

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return called([str(self.bin / "python"), *words], self.folder, clean())


def called(
    command: Sequence[str], cwd: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", timeout=900
    )


def clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.fixture
def fresh(tmp_path):
    """An empty virtual environment with `pip install .`, and finance without what it needs."""
    called([sys.executable, "-m", "venv", "venv"], tmp_path, clean())
    place = Fresh(tmp_path, tmp_path / "venv/bin")
    place.install(ROOT)
    place.pip("install", "--no-deps", str(ROOT / "domains/finance"))
    assert place.python("-c", "import torch").returncode != 0
    return place


@pytest.fixture(autouse=True)
def outside(request, monkeypatch):
    """Lets no test out of this machine: returns the addresses that were tried, which fail it."""
    tried = []
    if request.node.get_closest_marker("network"):
        yield tried
        return

    def guarded(real):
        def call(self, *given):
            address = given[-1]
            host = address[0] if isinstance(address, tuple) else None
            if self.family == socket.AF_UNIX or host is None or host in LOCAL:
                return real(self, *given)
            tried.append(host)
            raise OSError(errno.ENETUNREACH, "tests stay on this machine")

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    yield tried
    assert tried == []


@pytest.fixture
def looked_up(outside, monkeypatch):
    """Returns the names of other machines that were looked up; none is found."""
    names, real = [], socket.getaddrinfo

    def find(host, *given, **named):
        if host in LOCAL:
            return real(host, *given, **named)
        names.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "tests stay on this machine")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    return names


@pytest.fixture
def on_the_path(tmp_path):
    """This environment, with room for packages of the test's own."""
    return OnThePath(tmp_path)


@pytest.fixture(params=["path", pytest.param("venv", marks=pytest.mark.slow)])
def place(request):
    """Each test is run with packages on the path, and, when slow tests are, with pip's."""
    return request.getfixturevalue({"path": "on_the_path", "venv": "fresh"}[request.param])
