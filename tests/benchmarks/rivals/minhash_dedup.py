"""distilabel's MinHash step: {"texts", "thresholds": {name: threshold or null for its default}}.

Answers, for each threshold, what it rejects (by place) and the processor seconds it took.
"""

from __future__ import annotations

import json
import sys
import time

from distilabel.steps import MinHashDedup


def words(texts: list[str]) -> list[set[bytes]]:
    """Stands in for nltk's tokenizer, whose data would have to be downloaded.

    It makes the same words of texts without punctuation, in less time.
    """
    return [{word.encode() for word in text.split()} for text in texts]


def main() -> None:
    question = json.load(sys.stdin)
    answer = {}
    for name, threshold in question["thresholds"].items():
        step = MinHashDedup(**({} if threshold is None else {"threshold": threshold}))
        step.load()
        step._tokenizer = words
        rows = [{"text": text} for text in question["texts"]]
        start = time.process_time()
        kept = next(step.process(rows))
        seconds = time.process_time() - start
        flag = "keep_row_after_minhash_filtering"
        answer[name] = {
            "threshold": step.threshold,
            "seconds": seconds,
            "rejected": [place for place, row in enumerate(kept) if not row[flag]],
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
