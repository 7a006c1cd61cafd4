"""The index on disk: adding, changing, finding, two writers, a kill."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from knowledge_files import SHIPPED, lines

from selfspec_core import SelfspecError, UsageError
from selfspec_core.packages import PASSAGES
from selfspec_core.progress import Silent
from selfspec_plugins.knowledge.bm25 import Bm25
from selfspec_plugins.knowledge.index import Index


def ids(retriever, query, k=3):
    [found] = retriever.retrieve([query], k)
    return [passage.id for passage in found]


def count(retriever):
    return retriever._index._store.count()


def test_what_the_domain_ships_is_found_without_adding(retriever):
    [found] = retriever().retrieve(["what accepts protons"], 2)
    assert found[0].id == "chem-2"
    assert found[0].text == "Bases: A base accepts protons."
    assert found[0].source == "Clark"
    assert 1 >= found[0].score > found[1].score > 0


def test_a_changed_package_replaces_its_passages(retriever, chemistry):
    assert ids(retriever(), "sodium chloride")[0] == "chem-3"
    rows = [*SHIPPED[:2], {**SHIPPED[2], "id": "chem-4", "text": "Potassium iodide is a salt."}]
    (chemistry / "knowledge/passages.jsonl").write_text(lines(rows))
    again = retriever()
    assert ids(again, "potassium iodide")[0] == "chem-4"
    assert count(again) == 3


def test_added_files_are_found_with_their_source(retriever, add, files):
    assert add(files) == ({"noble.txt": "added", "metals.md": "added"}, [])
    [found] = retriever().retrieve(["which gases hardly react"], 1)
    assert found[0].source == str(files / "noble.txt")
    assert retriever().passages([found[0].id])[0].text == found[0].text


def test_words_of_one_character_count(retriever, add, files):
    add(files)
    assert "Policy 7" in retriever().retrieve(["7"], 1)[0][0].text


def test_the_vector_search_forgives_spelling(retriever, add, files):
    add(files)
    assert ids(retriever(dense=0), "condukting coper") == []
    assert "Copper" in retriever().retrieve(["condukting coper"], 1)[0][0].text


def test_adding_twice_adds_nothing(retriever, add, files):
    add(files)
    before = count(retriever())
    assert set(add(files)[0].values()) == {"unchanged"}
    (files / "twin.txt").write_text((files / "noble.txt").read_text())
    assert add(files / "twin.txt")[0] == {"twin.txt": "unchanged"}
    assert count(retriever()) == before


def test_a_changed_file_replaces_its_passages(retriever, add, files):
    add(files)
    before = count(retriever())
    (files / "noble.txt").write_text("Xenon lamps are bright.")
    assert add(files)[0] == {"noble.txt": "replaced", "metals.md": "unchanged"}
    assert count(retriever()) == before
    assert "Xenon" in retriever().retrieve(["noble gases argon xenon"], 1)[0][0].text
    assert not [p for p in retriever().retrieve(["argon neon"], 9)[0] if "Argon" in p.text]


def test_a_twin_keeps_its_passages_when_the_other_changes(retriever, add, files):
    (files / "twin.txt").write_text((files / "noble.txt").read_text())
    add(files)
    (files / "noble.txt").write_text("Xenon lamps are bright.")
    add(files)
    assert retriever().retrieve(["argon neon"], 1)[0][0].source == str(files / "twin.txt")


def test_another_cut_is_another_content(retriever, add, files):
    (files / "noble.txt").write_text("Argon is a gas. " * 20)
    add(files)
    assert add(files, chunk_words=20)[0]["noble.txt"] == "replaced"


def test_a_file_that_is_broken_further_down_leaves_nothing(retriever, add, files, monkeypatch):
    monkeypatch.setattr("selfspec_plugins.knowledge.index.BATCH", 2)
    rows = [{"text": f"Krypton sample {number}."} for number in range(9)]
    (files / "rows.jsonl").write_text(lines(rows) + "{")
    states, problems = add(files)
    assert states == {"metals.md": "added", "noble.txt": "added", "rows.jsonl": "failed"}
    assert problems[0].startswith(f"{files / 'rows.jsonl'}:10: not valid JSON")
    assert not [p for p in retriever().retrieve(["krypton sample"], 9)[0] if "Krypton" in p.text]


def test_what_is_taken_out_is_found_no_more_and_can_come_back(retriever, add, files):
    add(files)
    digest = retriever().digest()
    [row] = retriever().remove([files / "noble.txt"])
    assert (row.path, row.state, row.passages) == (str(files / "noble.txt"), "removed", 1)
    assert retriever().remove([files / "noble.txt"]) == []
    again = retriever()
    assert count(again) == 4 and str(files / "noble.txt") not in {
        row.path for row in again.contents()
    }
    assert again.digest() != digest
    assert add(files) == ({"noble.txt": "added", "metals.md": "unchanged"}, [])
    assert retriever().digest() == digest


def test_a_folder_is_taken_out_when_it_is_gone_but_nothing_that_the_domain_ships(
    retriever, add, files
):
    add(files)
    shutil.rmtree(files)
    assert len(retriever().remove([files])) == 2
    assert count(retriever()) == 3 == sum(row.passages for row in retriever().contents())


def test_a_twin_keeps_its_passages_when_the_other_is_taken_out(retriever, add, files):
    (files / "twin.txt").write_bytes((files / "noble.txt").read_bytes())
    add(files)
    before = count(retriever())
    retriever().remove([files / "noble.txt"])
    assert count(retriever()) == before


def test_a_kill_while_a_file_is_taken_out_is_made_good_by_the_same_again(
    retriever, add, files, monkeypatch
):
    def interrupt(*_):
        raise KeyboardInterrupt

    add(files)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Index, "note", interrupt)
        retriever().remove([files / "noble.txt"])
    retriever().remove([files / "noble.txt"])
    assert count(retriever()) == 4


def test_contents_list_what_is_in(retriever, add, files):
    add(files)
    rows = [(row.path, row.state, row.passages) for row in retriever().contents()]
    assert rows == [
        ("chem_pack/knowledge/passages.jsonl", "shipped", 3),
        (str(files / "metals.md"), "added", 1),
        (str(files / "noble.txt"), "added", 1),
    ]


def test_the_digest_changes_with_the_content(retriever, add, files):
    shipped = retriever().digest()
    planned = retriever().digest([files])
    add(files)
    assert retriever().digest() == planned != shipped


def test_a_second_writer_is_refused_by_name(retriever, add, files):
    add(files)
    folder = retriever()._index.folder
    (files / "new.txt").write_text("Radon is a gas.")
    with FileLock(folder / ".lock"):
        (folder / ".owner").write_text("host, process 7\n")
        with pytest.raises(SelfspecError, match="in use by host, process 7; wait for it or stop"):
            add(files)
        assert ids(retriever(), "argon")  # reading goes on
    assert add(files)[0]["new.txt"] == "added"


def test_a_run_waits_for_one_that_brings_the_same_passages_in(retriever, monkeypatch):
    folder = retriever()._index.folder
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(held, fcntl.LOCK_UN))
        assert ids(retriever(), "what accepts protons")


def test_what_another_run_brought_in_meanwhile_is_not_written_again(retriever, monkeypatch):
    ours, other, writing = retriever(), retriever(), Index.writing

    def late(index, *patience):
        monkeypatch.setattr(Index, "writing", writing)
        other.retrieve(["x"], 1)
        monkeypatch.setattr(Index, "put", lambda *_: pytest.fail("written twice"))
        return writing(index, *patience)

    monkeypatch.setattr(Index, "writing", late)
    assert ids(ours, "what accepts protons")


def test_an_unknown_embedding_is_a_usage_error(retriever, tmp_path):
    with pytest.raises(UsageError, match="embedding = 'nowhere'.*local folder with .*safetensors"):
        retriever(embedding="nowhere").retrieve(["x"], 1)


ADD = """
import sys, time
from pathlib import Path
from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Silent
from selfspec_plugins.knowledge import index
index.BATCH = 10
plain = index.Index._write
def slow(self, batch, path, hash):
    plain(self, batch, path, hash)
    print("batch", flush=True)
    time.sleep(0.05)
index.Index._write = slow
host = PluginHost(third_party=False)
host.load_defaults()
host.build("retrievers", "knowledge", {}, "chemistry").add([Path(sys.argv[1])], Silent())
"""


def test_a_killed_add_leaves_the_index_usable_and_can_be_completed(
    retriever, add, files, chemistry, tmp_path
):
    add(files)
    rows = [{"text": f"Sample {number} holds krypton."} for number in range(300)]
    (files / "rows.jsonl").write_text(lines(rows))
    folders = [Path(__file__).parents[3], Path(__file__).parents[3] / "plugins", tmp_path / "site"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    process = subprocess.Popen(
        [sys.executable, "-c", ADD, str(files)], env=env, stdout=subprocess.PIPE, text=True
    )
    for _ in range(5):
        assert process.stdout.readline() == "batch\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    usable = retriever()
    assert "Argon" in usable.retrieve(["argon neon gases"], 1)[0][0].text
    there = count(usable)
    assert 5 + 40 <= there < 5 + 300
    assert str(files / "rows.jsonl") not in {row.path for row in usable.contents()}
    assert add(files)[0]["rows.jsonl"] == "added"
    whole = retriever()
    assert count(whole) == 5 + 300
    assert "Sample 299 " in whole.retrieve(["sample 299"], 1)[0][0].text


def test_two_processes_at_once_lose_nothing(retriever, add, files, chemistry, tmp_path):
    add(files)
    (files / "a.jsonl").write_text(lines({"text": f"Sample {n} is a."} for n in range(300)))
    (files / "b.txt").write_text("Radon is a gas.")
    folders = [Path(__file__).parents[3], Path(__file__).parents[3] / "plugins", tmp_path / "site"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    process = subprocess.Popen(
        [sys.executable, "-c", ADD, str(files / "a.jsonl")],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "batch\n"
    with pytest.raises(SelfspecError, match=f"process {process.pid}"):
        retriever().add([files / "b.txt"], Silent())
    process.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while add(files / "b.txt")[0] != {"b.txt": "added"} and time.monotonic() < deadline:
        pass
    assert count(retriever()) == 5 + 300 + 1


def test_ties_are_broken_by_order_at_the_last_place_too():
    bm25 = Bm25.build((f"id-{number:02}", f"word{number} argon") for number in range(40))
    assert [id for id, _ in bm25.top("argon", 3)] == ["id-00", "id-01", "id-02"]
    assert [id for id, _ in bm25.top("argon word30", 3)] == ["id-30", "id-00", "id-01"]


def test_a_damaged_index_says_how_to_get_it_back(retriever, add, files):
    add(files)
    folder = retriever()._index.folder
    (folder / "files.jsonl").write_bytes(b'{"path"\n' + (folder / "files.jsonl").read_bytes())
    with pytest.raises(SelfspecError, match=r"damaged \(files.jsonl:1: .*; remove this folder"):
        retriever().contents()


def test_an_index_whose_passages_are_gone_is_not_taken_for_empty(retriever, add, files):
    add(files)
    retriever()._index._store.delete({"file": {"$ne": ""}})
    with pytest.raises(SelfspecError, match=r"damaged \(it holds no passage\); remove this folder"):
        retriever().retrieve(["argon"], 1)


def test_an_index_whose_database_is_broken_is_one_line(add, chemistry, files):
    folder = files.parent / "data/knowledge/chemistry/hashed-1/chroma"
    folder.mkdir(parents=True)
    (folder / "chroma.sqlite3").write_text("no database")
    with pytest.raises(SelfspecError, match="the index cannot be used .*; if the disk has room"):
        add(files)


def test_a_damaged_words_file_is_made_again(retriever, add, files):
    add(files)
    (retriever()._index.folder / "words/ids.json").write_text("[")
    assert "Argon" in retriever().retrieve(["argon"], 1)[0][0].text


@pytest.mark.parametrize("key", ["id", "text", "source"])
def test_a_shipped_passage_without_a_key_is_named(retriever, chemistry, key):
    rows = [SHIPPED[0], {k: v for k, v in SHIPPED[1].items() if k != key}]
    (chemistry / "knowledge/passages.jsonl").write_text(lines(rows))
    with pytest.raises(UsageError, match=f"chem_pack/{PASSAGES}:2: key '{key}' must be a text"):
        retriever().retrieve(["acid"], 1)


def test_a_domain_in_a_single_module_ships_nothing(retriever, chemistry):
    text = (chemistry / "__init__.py").read_text()
    shutil.rmtree(chemistry)
    chemistry.with_suffix(".py").write_text(text)
    assert retriever().contents() == []
