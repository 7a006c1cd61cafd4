import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for `whole_runs` and `loops`


class FakeSite:
    """A site-packages folder to put distributions into: modules and their entry points."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, dist, group, entry, module, source, version="1.0"):
        """Installs a distribution of one module."""
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry} = {module}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield FakeSite(folder)
    for name in set(sys.modules) - before:
        if (
            getattr(sys.modules[name], "__file__", None)
            and str(folder) in sys.modules[name].__file__
        ):
            del sys.modules[name]
