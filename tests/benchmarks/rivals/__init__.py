"""Rivals in environments of their own, so that neither side bends the other's versions.

A rival is a requirements file `NAME.txt` here; scripts beside it are run by its Python. Those that
are asked once read JSON on standard input and print JSON as their last line; those that stay loaded
between turns (`Session`) answer each line of JSON with a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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


class Session:
    """A rival that is loaded once and then takes its turns; `with Session(…) as rival: rival(…)`.

    Args:
        environment: its environment variables.
    """

    def __init__(self, rival: str, script: str, environment: Mapping[str, str]) -> None:
        self.rival, self._log = rival, ENVIRONMENTS / f"{rival}.log"
        command = [python_of(rival), "-u", HERE / script]
        with self._log.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=dict(environment),
            )

    def __call__(self, **question: Any) -> Any:
        """Returns the answer to a question.

        Raises:
            RuntimeError: with the end of what the rival printed, if it failed.
        """
        sent, said = self._process.stdin, self._process.stdout
        assert sent is not None and said is not None
        try:
            sent.write(json.dumps(question) + "\n")
            sent.flush()
            line = next((text for text in said if text.startswith("{")), None)
        except BrokenPipeError:
            line = None
        if line is None:
            raise RuntimeError(f"{self.rival} failed:\n{self._log.read_text('utf-8')[-2000:]}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
