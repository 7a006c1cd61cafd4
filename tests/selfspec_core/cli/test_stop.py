"""Whatever asks a run to end, it ends with one line, and an exit code that says what it was."""

import os
import signal
import subprocess
import sys
import time

import pytest

from selfspec_core.cli.stop import Stopped, interrupted, stoppable

RUN = (
    "run --domain finance --model scripted --set data.size=600 --set propose.batch=4 "
    "--set evaluation.resamples=100 --name"
).split()
STOP_IMPORT = (
    "import sys\n"
    "class Stop:\n"
    "    def find_spec(self, name, *_):\n"
    "        if name == 'NAME':\n"
    "            raise KeyboardInterrupt\n"
    "sys.meta_path.insert(0, Stop())\n"
    "from selfspec_core.__main__ import main\n"
    "main()\n"
)


@pytest.fixture(autouse=True)
def heeded():
    """Signals as in a terminal: a test run in the background may have inherited ignored ones."""
    as_in_a_terminal = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, how) for number, how in as_in_a_terminal.items()}
    yield
    for number, how in before.items():
        signal.signal(number, how)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_with_one_line(name, tmp_path):
    number = getattr(signal, name)
    command = [sys.executable, "-m", "selfspec_core", *RUN, "a run"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    commits = tmp_path / "runs/a run/round-1/commits.jsonl"
    deadline = time.monotonic() + 120
    while not commits.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    stopped = "interrupted" if name == "SIGINT" else f"stopped by {name}"
    line = f"Error: {stopped}; nothing is lost: `selfspec resume 'a run'` goes on"
    assert (process.returncode, err.splitlines()[-1], out) == (128 + number, line, "")
    assert "Traceback" not in err
    assert '"state": "running"' in (tmp_path / "runs/a run/manifest.json").read_text()


def test_a_signal_ends_a_run_whose_threads_are_inside_a_model(tmp_path):
    asked = "run --domain finance --set model.processes=2 --set propose.batch=64 --name mid".split()
    command = [sys.executable, "-m", "selfspec_core", *asked]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=said)
        loaded, deadline = tmp_path / "runs/mid/round-1/commits.jsonl", time.monotonic() + 120
        while not loaded.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(1)  # the model has been loaded: it proposes, two batches at a time
        process.send_signal(signal.SIGTERM)
        code = process.wait(120)
        said.seek(0)
        line = "Error: stopped by SIGTERM; nothing is lost: `selfspec resume mid` goes on"
        assert (code, said.read().splitlines()[-1]) == (143, line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_interruption_that_knows_its_number(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as caught, stoppable():
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert signal.getsignal(number) is before
    assert interrupted(caught.value).exit_code == 128 + number


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_line_names_the_signal():
    assert str(interrupted(Stopped(signal.SIGHUP), "go on")) == "stopped by SIGHUP; go on"
    assert str(interrupted(KeyboardInterrupt())) == "interrupted"


@pytest.mark.parametrize("module", ["selfspec_core.cli.main", "click", "difflib"])
def test_ctrl_c_while_importing_is_quiet(selfspec, module):
    done = selfspec("--help", python=("-c", STOP_IMPORT.replace("NAME", module)))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Error: interrupted\n")


def test_ctrl_c_while_importing_a_command_says_how_to_go_on(selfspec):
    script = STOP_IMPORT.replace("NAME", "selfspec_core.cli.domains")
    done = selfspec("domains", python=("-c", script))
    assert done.returncode == 130
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("Error: interrupted; ")


def test_a_terminal_that_goes_away_is_a_hangup(tmp_path):
    process, terminal = os.forkpty()
    if process == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "selfspec_core", *RUN, "gone"])
    commits = tmp_path / "runs/gone/round-1/commits.jsonl"
    os.set_blocking(terminal, False)
    deadline = time.monotonic() + 120
    while not commits.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
        try:
            os.read(terminal, 65536)
        except BlockingIOError:
            continue
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 128 + signal.SIGHUP
