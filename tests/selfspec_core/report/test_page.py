"""The page: hostile text stays text, nothing is loaded, the same run gives the same bytes."""

import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser

import pytest

from selfspec_core.cli.show import summarize
from selfspec_core.errors import UsageError
from selfspec_core.report import svg
from selfspec_core.report.page import write_report

VOID = {"meta", "link"}
HTML = set(
    "html head meta title link style body header p h1 h2 h3 h4 span ul li nav a main section div b "
    "figure figcaption svg g path use defs text clippath rect details summary table thead tr th "
    "tbody td code small bdi pre footer".split()
)
ATTRIBUTES = set(
    "lang charset name content http-equiv rel href id class style viewbox role aria-label d "
    "clip-path transform x y width height open colspan".split()
)


class Page(HTMLParser):
    """Collects elements, attributes and text, and holds that elements are closed as opened."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.open, self.texts = Counter(), [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data[:60]}")

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def page(path):
    return write_report(path, summarize(path)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(hostile_run):
    return page(hostile_run)


@pytest.fixture(scope="module")
def finance(finance_run):
    return page(finance_run)


def test_hostile_text_stays_text(hostile):
    found = Page(hostile)
    assert set(found.elements) <= HTML
    assert {name for _, name, _ in found.attributes} <= ATTRIBUTES
    text = "".join(found.texts)
    assert "<script>alert(1)</script>" in text  # it is there, and only as text
    assert "{{ 7 * 7 }}" in text and "49" not in re.findall(r"\b49\b", text)
    assert "שלום עולם" in text


def test_nothing_acts_on_a_terminal_or_turns_text_around(hostile):
    bad = [c for c in hostile if not c.isprintable() and c not in "\n\u00a0"]
    assert bad == []


def test_long_texts_are_shortened_and_say_so(hostile):
    assert len(hostile) < 1_500_000
    assert "A" * 500 not in hostile
    assert "1,000,008 characters" in hostile


@pytest.mark.parametrize("which", ["hostile", "finance"])
def test_nothing_is_loaded(which, request):
    found = Page(request.getfixturevalue(which))
    assert not {"script", "img", "iframe", "object", "embed", "image", "form"} & set(found.elements)
    for tag, name, value in found.attributes:
        if name in ("href", "src"):
            assert value.startswith("#") or (tag, value) == ("link", "data:,")
        assert not name.startswith("on")
        if name == "style":
            assert "url(" not in value or re.findall(r"url\((.)", value) == ["#"]
    style = request.getfixturevalue(which).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_ids_are_unique_and_every_reference_has_one(finance):
    found = Page(finance)
    ids = Counter(value for _, name, value in found.attributes if name == "id")
    assert max(ids.values()) == 1
    wanted = {v[1:] for _, n, v in found.attributes if n == "href" and v.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", finance))
    assert wanted <= set(ids)


def test_the_same_run_gives_the_same_bytes(finance_run, finance):
    assert page(finance_run) == finance
    assert str(finance_run.parent) not in finance


def test_figures_take_their_colours_from_the_page(finance):
    drawn = "".join(re.findall(r"<svg.*?</svg>", finance, re.DOTALL))
    assert "var(--ours)" in drawn
    assert re.findall(r"#[0-9a-f]{6}\b", drawn) == []


def test_the_result_comes_first_and_says_what_show_says(finance_run, finance):
    text = " ".join("".join(Page(finance).texts).split())
    text = text.partition("Reproduce")[2]  # behind the list of sections
    places = [
        text.index(h)
        for h in (
            "Gain over the",
            "Score of every system",
            "Task by task",
            "Form and knowledge",
            "From proposals to examples",
            "Diversity",
            "Nearest to a seed",
            "Samples",
            "Cost",
            "All settings",
            "selfspec run --domain finance --model scripted",
        )
    ]
    assert places == sorted(places)
    [one] = summarize(finance_run)["rounds"]
    gain = one["gains"]["specialized@0 - base@0"]
    assert f"{gain['mean']:+.3f}" in text
    assert f"{one['proposed']:,} proposed, {one['accepted']:,} kept" in text


@pytest.mark.parametrize(
    ("rows", "said"), [(30, " and 20 rows of seeds"), (90, " and 80 rows that repeat the seeds")]
)
def test_rows_of_seeds_beyond_their_number_are_repeats(rows, said):
    from selfspec_core.report.content import _tuned

    one, manifest = {"accepted": 10, "systems": {}}, {"conditions": {}}
    assert _tuned(one, {"rows": rows}, manifest, 20) == (
        f" It was tuned on 10 examples{said}; no test items were asked."
    )


def test_a_run_that_was_interrupted_shows_what_there_is(finance_run, tmp_path):
    path = tmp_path / "cut"
    shutil.copytree(finance_run, path)
    for name in ("scores.json", "tasks.json"):
        (path / "round-1" / name).unlink()
    manifest = json.loads((path / "manifest.json").read_text())
    manifest |= {"state": "running", "chosen_round": None}
    (path / "manifest.json").write_text(json.dumps(manifest))
    text = page(path)
    Page(text)
    assert "Nothing has been measured yet" in text and "interrupted" in text
    assert "From proposals to examples" in text and "Gain over" not in text
    shutil.rmtree(path / "round-1")
    (path / "seeds.jsonl").unlink()
    assert "nothing has been proposed yet" in page(path)


def test_without_intervals_by_task_there_are_points(finance_run, tmp_path):
    path = tmp_path / "old"
    shutil.copytree(finance_run, path)
    (path / "round-1/tasks.json").unlink()
    (path / "seeds.jsonl").unlink()
    text = page(path)
    assert "kept no intervals by task" in text and "kept no seeds" in text


def test_rounds_and_why_they_stopped(finance_run, tmp_path):
    path = tmp_path / "rounds"
    shutil.copytree(finance_run, path)
    shutil.copytree(path / "round-1", path / "round-2")
    manifest = json.loads((path / "manifest.json").read_text())
    gain = {"over": "round 1", "mean": 0.001, "low": -0.02, "high": 0.009}
    rounds = [{"round": 1, "dev": 0.21, "gain": None}, {"round": 2, "dev": 0.214, "gain": gain}]
    manifest |= {"rounds": rounds, "stopped": "after round 2: <b>little</b> gained"}
    (path / "manifest.json").write_text(json.dumps(manifest))
    text = page(path)
    assert "Stopped after round 2: &lt;b&gt;little&lt;/b&gt; gained." in text
    assert "+0.001 [−0.020, 0.009] over round 1" in text
    assert "1, chosen" in text and "0.214" in text


def test_without_matplotlib_one_line_says_what_to_install(finance_run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs matplotlib: pip install 'selfspec\[local\]'"):
        write_report(finance_run, summarize(finance_run))


def test_a_damaged_file_is_named(finance_run, tmp_path):
    path = tmp_path / "damaged"
    shutil.copytree(finance_run, path)
    (path / "round-1/tasks.json").write_text("[1")
    with pytest.raises(UsageError, match=r"round-1/tasks\.json: cannot be read"):
        page(path)
    (path / "round-1/tasks.json").unlink()
    (path / "seeds.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(UsageError, match=r"seeds\.jsonl:1: damaged"):
        page(path)


def test_text_between_tags_of_a_figure_is_left_alone():
    def draw(figure, width):
        figure.text(0.1, 0.5, ' id="x" #010101 font: 12px "a"; xlink:href="#y" <b>$a$</b>')

    drawn = str(svg.figure("f", "A <title>", lambda width: 40, draw))
    assert drawn.count("&lt;b&gt;$a$&lt;/b&gt;") == 2
    assert drawn.count(' id="x" #010101 font: 12px "a"; xlink:href="#y"') == 2
    assert 'aria-label="A &lt;title&gt;"' in drawn
