"""Rivals in environments of their own, so that neither side bends the other's versions.

A rival is a requirements file `NAME.txt` here; scripts beside it are run by its Python, read JSON
on standard input and print JSON as their last line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENVIRONMENTS = ROOT / ".rivals"


def python_of(rival: str) -> Path:
    """Returns the Python of a rival's environment, which is made if it is not there."""
    requirements = HERE / f"{rival}.txt"
    home = ENVIRONMENTS / rival
    ready, python = home / ".ready", home / "bin" / "python"
    wanted = requirements.read_text(encoding="utf-8")
    if not ready.is_file() or ready.read_text(encoding="utf-8") != wanted:
        print(f"making the environment of {rival} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        constraints = ["-c", ROOT / "constraints.txt"] if "torch" in wanted else []
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *constraints, "-r", requirements],
            check=True,
        )
        ready.write_text(wanted, encoding="utf-8")
    return python


def ask(rival: str, script: str, question: dict[str, Any], timeout: float = 3600) -> Any:
    """Runs `script` of this folder with a rival's Python and returns what it answers.

    Raises:
        RuntimeError: with the end of what the rival printed, if it failed.
    """
    done = subprocess.run(
        [python_of(rival), HERE / script],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode:
        raise RuntimeError(f"{rival} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
