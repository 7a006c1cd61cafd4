"""Asks llama.cpp itself about a GGUF file: `python llama_cpp.py FILE < questions.json`.

In a process of its own: it is native code, through the package xllamacpp. Prints, for each text,
its tokens, and for each row of tokens the ten that are likeliest to follow, with log-probabilities.
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.request

import xllamacpp


def main(path: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel = path, 256, 1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.cpuparams.n_threads, params.warmup, params.verbosity = 1, False, 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        params.port = free.getsockname()[1]
    server = xllamacpp.Server(params)

    def post(where, body):
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            server.listening_address + where, json.dumps(body).encode(), head
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    found = []
    for asked in json.load(sys.stdin):
        text = {"content": asked["text"], "add_special": True, "parse_special": True}
        greedy = {"temperature": 0, "samplers": ["top_k"], "top_k": 1, "n_probs": 10}
        places = []
        for row in asked["rows"]:
            body = {"prompt": row, "n_predict": 1, "cache_prompt": False, **greedy}
            said = post("/completion", body).get("completion_probabilities")
            # a token that is half a character is held back, and nothing is said about it
            places.append(
                [[one["id"], one["logprob"]] for one in said[0]["top_logprobs"]] if said else []
            )
        found.append({"tokens": post("/tokenize", text)["tokens"], "places": places})
    print(json.dumps(found))


main(sys.argv[1])
