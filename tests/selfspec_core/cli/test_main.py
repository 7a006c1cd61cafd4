import json
import os
import subprocess
import sys

import click
import pytest

import selfspec_core
from selfspec_core.cli import main as module
from selfspec_core.cli.main import COMMANDS
from selfspec_core.errors import Interrupted, SelfspecError, UsageError

HEAVY = {"torch", "transformers", "chromadb", "llama_index", "datasets", "trl", "peft"}
LIST_IMPORTS = (
    "import sys\n"
    "from selfspec_core.cli.main import main\n"
    "try:\n    main(sys.argv[1:])\n"
    "except SystemExit as end:\n    assert not end.code, end.code\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
)


def fails(monkeypatch, capsys, error, *arguments):
    """Calls a command that raises `error`; returns exit code and stderr."""

    @click.command()
    def broken():
        raise error

    monkeypatch.setattr(module.LazyGroup, "get_command", lambda self, ctx, name: broken)
    with pytest.raises(SystemExit) as end:
        module.main(["show", *arguments])
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_table_repeats_each_commands_own_help(command):
    found = module.selfspec.get_command(None, command)
    assert found.name == command
    assert found.help.partition("\n")[0] == COMMANDS[command]


def test_help_lists_every_command_without_importing_one(selfspec):
    done = selfspec("--help", python=("-c", LIST_IMPORTS))
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    imported = set(done.stderr.split())
    assert not imported & (HEAVY | {"numpy", "rich", "pydantic", "pluggy"})


@pytest.mark.parametrize("command", ["domains", "plugins", "hooks", "seeds general"])
def test_listings_import_nothing_heavy(selfspec, command):
    done = selfspec(*command.split(), python=("-c", LIST_IMPORTS))
    assert done.returncode == 0, done.stderr
    assert not set(done.stderr.split()) & (HEAVY | {"numpy"})


def test_domains_are_listed_without_what_loading_one_takes(selfspec):
    done = selfspec("domains", python=("-c", LIST_IMPORTS))
    assert done.returncode == 0, done.stderr
    assert not set(done.stderr.split()) & {"pydantic", "pluggy", "tomllib"}


def test_seeds_are_listed_without_settings_or_plugins_that_have_none(selfspec):
    done = selfspec("seeds", "general", python=("-c", LIST_IMPORTS))
    assert done.returncode == 0, done.stderr
    assert not set(done.stderr.split()) & {"pydantic", "tomllib", "selfspec_nano"}


def test_every_public_name_is_there():
    assert all(getattr(selfspec_core, name) is not None for name in selfspec_core.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Sead'"):
        selfspec_core.Sead  # noqa: B018  what is tested is that asking raises


def test_version(selfspec):
    assert selfspec("--version").stdout.startswith("selfspec 0.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["domians"], "Error: domians: no such command; did you mean 'domains'?\n"),
        (
            ["plugins", "--hook", "filtres"],
            "Error: --hook filtres: no such hook; did you mean 'filters'?\n",
        ),
        (["show", "nothing"], "Error: nothing: no such run\n"),
        (
            ["run", "finance"],
            "Error: Got unexpected extra argument (finance); did you mean --domain finance?\n",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_2(selfspec, arguments, message):
    done = selfspec(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize("arguments", [["seeds"], ["domains", "--jsn"], ["--jsn"]])
def test_wrong_options_are_one_line_and_exit_2(selfspec, arguments):
    done = selfspec(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "--help` shows what it takes" in done.stderr


OUT_OF_MEMORY = (
    "Error: out of memory; `selfspec resume NAME` goes on with a run when there is more\n"
)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("x.toml:3: bad"), 2, "Error: x.toml:3: bad\n"),
        (SelfspecError("\x1b[31mx\x9b1m\ny.pdf: bad"), 1, "Error:  [31mx 1m y.pdf: bad\n"),
        (SelfspecError("failed"), 1, "Error: failed\n"),
        (Interrupted("`selfspec resume a` goes on"), 130, "Error: `selfspec resume a` goes on\n"),
        (
            OSError(28, "No space left on device", "runs/a/x"),
            1,
            "Error: runs/a/x: No space left on device\n",
        ),
        (MemoryError(), 1, OUT_OF_MEMORY),
        (RuntimeError("[x] DefaultCPUAllocator: can't allocate memory: you"), 1, OUT_OF_MEMORY),
        (ImportError("x.so: failed to map segment from shared object"), 1, OUT_OF_MEMORY),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            1,
            "Error: internal: the package torch is not installed; "
            "`pip install 'selfspec[local]'` has what models and reports need\n",
        ),
        (TypeError("no\nsecond line"), 1, "Error: internal: TypeError: no (--debug shows where)\n"),
    ],
)
def test_errors_are_one_line_with_their_exit_code(monkeypatch, capsys, error, code, line):
    assert fails(monkeypatch, capsys, error) == (code, line)


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    code, text = fails(monkeypatch, capsys, KeyboardInterrupt())
    assert code == 130
    assert text == "Error: interrupted; `selfspec resume NAME` goes on with an unfinished run\n"


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback_wherever_it_stands(selfspec, place):
    arguments = ["--debug", "show", "x"] if place == "before" else ["show", "x", "--debug"]
    done = selfspec(*arguments)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("Error: x: no such run\n")


def test_a_write_that_fails_names_the_file(selfspec):
    script = (
        "import resource, sys, click\n"
        "from selfspec_core.cli import main as module\n"
        "from selfspec_core.journals import RoundFolder\n"
        "from pathlib import Path\n"
        "@click.command()\n"
        "def big():\n"
        "    folder = RoundFolder(Path('round-1'))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "    folder.commit('propose', 0, {'instructions': [{'text': 'x' * 5000}]})\n"
        "module.LazyGroup.get_command = lambda *_: big\n"
        "module.main(['show'])\n"
    )
    done = selfspec(python=("-c", script))
    assert done.returncode == 1
    assert done.stderr == "Error: round-1/instructions.jsonl: File too large\n"


def test_a_closed_pipe_is_quiet():
    # a listing that is longer than a pipe holds, read for one line
    many = (
        "import sys, click\n"
        "from selfspec_core.cli import main as module\n"
        "@click.command()\n"
        "def talk():\n"
        "    [click.echo('line') for _ in range(200000)]\n"
        "module.LazyGroup.get_command = lambda *_: talk\n"
        "module.main(['show'])\n"
    )
    script = '"$0" -c "$1" | head -1; echo ${PIPESTATUS[0]}'
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, many], env=env, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("line\n1\n", "")


def test_hooks_as_json(selfspec):
    rows = json.loads(selfspec("hooks", "--json").stdout)
    seeds = next(row for row in rows if row["hook"] == "selfspec_seed_sources")
    assert seeds["arguments"] == ["domain"]
    assert seeds["summary"].startswith("Seed sources of one domain")


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_a_stream_that_the_caller_closed_is_none_to_miss(selfspec, closed):
    shell = ("sh", "-c", f'exec "{sys.executable}" -m selfspec_core "$@" {closed}', "sh")
    code = f"import os; os.execvp('sh', {shell!r} + ('hooks', '--json'))"
    result = selfspec(python=("-c", code))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)


def test_a_link_to_itself_is_one_line(selfspec, tmp_path):
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    result = selfspec("run", "--seeds", "loop.jsonl", "--model", "scripted")
    assert result.returncode == 2
    assert "loop.jsonl" in result.stderr and "internal" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", ["--seeds", "--benchmark", "--recipe"])
@pytest.mark.parametrize("file", ["/dev/zero", "pipe"])
def test_what_has_no_end_is_no_file(selfspec, tmp_path, flag, file):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "given.toml").symlink_to(file)
    result = selfspec("run", "--domain", "finance", "--model", "scripted", flag, "given.toml")
    assert result.returncode == 2
    assert result.stderr.endswith("is a device or a pipe; expected a file\n")


def test_seeds_out_of_a_pipe_are_refused_before_they_are_gone(selfspec):
    shell = f'exec "{sys.executable}" -m selfspec_core run --model scripted --seeds <(true)'
    code = f"import os; os.execvp('bash', ('bash', '-c', {shell!r}))"
    result = selfspec(python=("-c", code))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "is a device or a pipe; expected a file" in result.stderr


def test_knowledge_alone_asks_for_a_command(selfspec):
    result = selfspec("knowledge")
    line = "Error: Missing command. (`selfspec knowledge --help` shows what it takes)\n"
    assert (result.returncode, result.stderr) == (2, line)


def test_a_link_is_known_by_its_own_name(selfspec, tmp_path):
    (tmp_path / "blob").write_text("Covenants bind a borrower.")
    (tmp_path / "notes.txt").symlink_to("blob")
    (tmp_path / "no-seeds").write_text("")
    (tmp_path / "mine.jsonl").symlink_to("no-seeds")
    result = selfspec("run", "--seeds", "mine.jsonl", "--knowledge", "notes.txt")
    assert result.stderr.endswith("mine.jsonl: holds no seed\n")


def test_a_panic_of_a_library_in_rust_is_one_line(selfspec):
    code = (
        "import selfspec_core.cli.main as it\n"
        "def panic(words): raise BaseException('called `unwrap()`\\nnote: \\x1b[31mrun with')\n"
        "it._called = panic; it.main(['domains'])"
    )
    result = selfspec(python=("-c", code))
    line = "Error: internal: BaseException: called `unwrap()` (--debug shows where)\n"
    assert (result.returncode, result.stderr) == (1, line)
