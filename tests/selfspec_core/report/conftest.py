import json
from dataclasses import asdict

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.report.keep import keep_results, keep_seeds
from selfspec_core.runs import Run

HOSTILE = [
    "<script>alert(1)</script><style>*{display:none}</style>",
    '"><img src="http://evil.example/x.png" onerror=alert(1)>',
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "{{ 7 * 7 }}{% for x in range(9) %}{{ x }}{% endfor %}{# gone #}",
    "</pre></details></section></main><iframe srcdoc='<p>'></iframe>",
    "\u202egnp.exe \u2066isolated\u2069 \u200bzero\u00adsoft",
    "\x1b[31mred\x1b[0m \x07 \x00 \x9b5m",
    "<!-- comment --><![CDATA[x]]>&lt;b&gt;&#x3c;i&#x3e;",
    "$\\frac{1}{0}$ $unclosed ![x](http://evil.example/y.png) | [l](javascript:x)",
    "שלום עולם مرحبا 金融 ☃",
]


def seeds():
    for place, text in enumerate(HOSTILE):
        for number in range(3):
            yield {
                "id": f"s{place}-{number}",
                "task": f"tone <b>{place % 2}</b> $x^",
                "kind": "classification",
                "instruction": f"Name the mood {number} of {text}",
                "input": f"{text} was said on day {place * 7 + number} by miller {place}.",
                "output": ("good", "bad<i>")[number % 2],
                "choices": ["good", "bad<i>"],
                "source": "a [book](http://evil.example) | <i>",
                "licence": "Apache-2.0",
            }


def written(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return str(path)


def finished(path, request):
    """Takes a run to its end as the command line does, but for the page."""
    assembly = assemble(request, Silent())
    run = Run.create(path, new_manifest(assembly, asdict(request)))
    try:
        keep_seeds(run.path, assembly.context.seeds)
        chosen = run_rounds(run, assembly.parts, assembly.context)
        keep_results(run, assembly.parts.sets, assembly.context)
        run.manifest.update(state="finished", chosen_round=chosen, seconds=61.5)
        run.manifest["timings"] = {"propose": 20.0, "answer": 30.25}
        run.save_manifest()
    finally:
        run.close()
    return path


@pytest.fixture(scope="session")
def finance_run(tmp_path_factory):
    """A small finished run of finance."""
    flags = ({"data": {"size": 40}}, {"evaluation": {"resamples": 100}})
    request = Request("finance", model="scripted", set=flags)
    return finished(tmp_path_factory.mktemp("runs") / "finance", request)


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory):
    """A finished run of hostile seeds and items, with more hostile rows in its journals."""
    folder = tmp_path_factory.mktemp("hostile")
    own = list(seeds())
    kept = ("task", "kind", "instruction", "choices")
    items = [
        {key: row[key] for key in kept}
        | {"id": f"i{n}", "input": f"{row['input'][::-1]} {n}", "output": ["good"]}
        for n, row in enumerate(own)
    ]
    flags = (
        {"data": {"size": 20}, "filters": {"order": ["novelty"]}},
        {"evaluation": {"resamples": 100}},
    )
    request = Request(
        None,
        model="scripted",
        seeds=written(folder / "mine.jsonl", own),
        benchmarks=(written(folder / "set <b>.jsonl", items),),
        set=flags,
    )
    path = finished(folder / "hostile", request)
    run = Run.open(path, write=True)
    long = "<script>" + "A" * 1_000_000
    rows = [
        own[n % len(own)]
        | {"id": f"r1-00099-{n:03d}", "round": 1, "batch": 99, "task": text}
        | {"output": text, "input": text + text}
        for n, text in enumerate([*HOSTILE, long])
    ]
    bad = [
        row | {"filter": "<u>f</u>", "reason": text, "evidence": text, "text": text}
        for row, text in zip(rows, [*HOSTILE, long], strict=True)
    ]
    run.round(1).commit("answer", 99, {"examples": rows, "rejected": bad})
    run.close()
    return path
