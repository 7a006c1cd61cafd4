import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import run
from speed.peak import launched


def test_only_what_got_worse_by_more_than_a_tenth_is_named():
    stored = {"engine": 2.0, "filter": 100.0, "help_vs_click_rich": 1.2, "gone": 1.0}
    now = {"engine": 1.79, "filter": 95.0, "help_vs_click_rich": 1.4, "new": 1.0}
    assert [line.split(":")[0] for line in run.worse(stored, now)] == [
        "engine",
        "help_vs_click_rich",
    ]
    assert run.worse(stored, stored) == []


def test_every_part_is_a_module():
    for name in run.PARTS:
        assert (Path(run.__file__).parent / "speed" / f"{name}.py").is_file(), name


def test_memory_is_the_command_s_own(tmp_path):
    """Linux hands the peak of a process on: the bench's own 3.8 GB were said of plan and of run."""
    held, file = bytearray(b"1") * (400 << 20), tmp_path / "megabytes"
    done = subprocess.run(launched(str(file), [sys.executable, "-c", "raise SystemExit(3)"]))
    assert done.returncode == 3
    assert 1 < float(file.read_text()) < len(held) / 2**21
