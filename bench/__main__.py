"""One table of what everything costs: `make bench`, or `python -m bench [--only X] [--seconds S] [--json]`.

Ours, the naive twin, the fastest of the libraries that do the same work, and how many times longer they
take. Processor time, best of several rounds in one process on one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from bench import (
    bench_books_and_trades,
    bench_candles,
    bench_chunk,
    bench_decode,
    bench_engine,
    bench_journal,
    bench_margin,
    bench_orderbook,
    bench_painter,
    bench_signals,
    bench_strategies,
    bench_trades,
)
from bench.contest import Case, best_ns, pin

SUITES = (
    bench_decode,
    bench_orderbook,
    bench_trades,
    bench_books_and_trades,
    bench_candles,
    bench_signals,
    bench_engine,
    bench_chunk,
    bench_journal,
    bench_margin,
    bench_painter,
    bench_strategies,
)


def measured(case: Case, seconds: float) -> dict[str, Any]:
    """One row. Of the libraries the fastest counts."""
    ours = best_ns(case.ours, seconds)
    naive = best_ns(case.naive, seconds) if case.naive else None
    libraries = {library.name: best_ns(library, seconds) for library in case.libraries}
    strongest = min(libraries, key=lambda name: libraries[name], default=None)
    return {
        "what": case.name,
        "unit": case.unit,
        "ours_ns": round(ours, 1),
        "naive": case.naive.name if case.naive else None,
        "naive_ns": round(naive, 1) if naive else None,
        "naive_ratio": round(naive / ours, 1) if naive else None,
        "library": strongest,
        "library_ns": round(libraries[strongest], 1) if strongest else None,
        "library_ratio": round(libraries[strongest] / ours, 1) if strongest else None,
    }


def lines(rows: list[dict[str, Any]], core: int) -> Iterator[str]:
    """The table as text."""
    yield f"ns of processor time a unit of work, best round, core {core}; x: how many times longer than ours"
    yield ""
    head = ("what", "unit", "ours", "naive twin", "ns", "x", "strongest library", "ns", "x")
    yield line(*head)
    yield "-" * len(line(*head))
    for row in rows:
        cells = [row["what"], row["unit"], f"{row['ours_ns']:,.1f}"]
        for kind in ("naive", "library"):
            ns, ratio = row[f"{kind}_ns"], row[f"{kind}_ratio"]
            cells += [row[kind] or "-", f"{ns:,.0f}" if ns else "", f"{ratio:,.1f}" if ratio else ""]
        yield line(*cells).rstrip()


def line(*cells: str) -> str:
    """One row of the table at fixed widths."""
    what, unit, ours, naive, naive_ns, naive_ratio, library, library_ns, library_ratio = cells
    left = f"{what:26}{unit:7}{ours:>11}   {naive:22}{naive_ns:>11}{naive_ratio:>8}"
    return f"{left}   {library:26}{library_ns:>9}{library_ratio:>8}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What everything costs.")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each contender")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    core = pin()
    cases = [case for suite in SUITES for case in suite.CASES if asked.only in case.name]
    rows = [measured(case, asked.seconds) for case in cases]
    if asked.json:
        print(json.dumps({"schema": "sniper.bench/1", "core": core, "cases": rows}))
    else:
        print("\n".join(lines(rows, core)))


if __name__ == "__main__":
    main()
