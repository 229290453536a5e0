"""Results of long proofs that add up over several runs: a line of JSON for every so many seeds.

    python -m tests.tally results.jsonl          # what a file of results comes to

A line names its tool, the seeds from..to, how many of them were played, what was wrong with which, sums of facts,
the seconds it took, and the revision of the code as whoever called it knows it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Tally:
    """Adds up results and writes a line every `every` seeds. Without a path it only adds up."""

    def __init__(self, tool: str, path: str = "", every: int = 500, revision: str = "") -> None:
        self._tool, self._path, self._every, self._revision = tool, path, every, revision
        self.count = 0
        self.wrong: dict[int, list[str]] = {}
        self.facts: Counter[str] = Counter()
        self._clear()

    def _clear(self) -> None:
        self._seeds: list[int] = []
        self._sums: Counter[str] = Counter()
        self._bad: dict[int, list[str]] = {}
        self._began_s = time.monotonic()

    def add(self, seed: int, wrong: Sequence[str], facts: Mapping[str, int]) -> None:
        """One seed was played."""
        self.count += 1
        self._seeds.append(seed)
        self.facts.update(facts)
        self._sums.update(facts)
        if wrong:
            self.wrong[seed] = self._bad[seed] = list(wrong)
        if len(self._seeds) >= self._every:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._path and self._seeds:
            line = {
                "tool": self._tool,
                "from": self._seeds[0],
                "to": self._seeds[-1],
                "count": len(self._seeds),
                "wrong": {str(seed): lines for seed, lines in self._bad.items()},
                "facts": dict(self._sums),
                "seconds": round(time.monotonic() - self._began_s, 1),
                "revision": self._revision,
            }
            with Path(self._path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self._clear()


def comes_to(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Counts by tool and revision; every seed counts once, by its last result."""
    told = []
    seen: dict[tuple[str, str], dict[int, list[str]]] = {}
    for line in lines:
        played = seen.setdefault((line["tool"], line["revision"]), {})
        for seed in range(line["from"], line["to"] + 1):
            played[seed] = line["wrong"].get(str(seed), [])
    for (tool, revision), played in seen.items():
        bad = {seed: wrong for seed, wrong in played.items() if wrong}
        told.append(f"{tool} at {revision or 'an unnamed revision'}: {len(played)} seeds, {len(bad)} wrong")
        told += [f"  seed {seed}: {'; '.join(wrong)}" for seed, wrong in sorted(bad.items())]
    return told


def main(arguments: Sequence[str]) -> int:
    lines = [json.loads(text) for path in arguments for text in Path(path).read_text().splitlines()]
    print("\n".join(comes_to(lines)))
    return 8 if any(line["wrong"] for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
