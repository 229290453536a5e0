"""Kill live sessions at chosen and at random moments, and prove that nothing is lost and nothing done twice.

    python -m tests.killed_live --times 100 --seed 1            # so many kills
    python -m tests.killed_live --times 20 --seed 1 --double    # the next session dies as well, while it recovers

A house on real sockets lives in a thread here; `sniper run --live` is a process of its own with `tests/restless.py`.
SIGKILL comes after a time, with a commit of its database, when a transaction of it has reached the node but is not
answered, when an order of it was filled but nobody was told, or when it asks the Indexer's REST, as recovery does.
Then the chain goes on, or it does not, and the next session recovers by itself. After most kills a copy of its files
is recovered with `sniper recover` and compared with what the chain knows: `tests/aftermath.py` has the list.

A life is one subaccount and some kills; each begins with fresh money and an empty database. Interpreters are forked
from one that has imported everything; with `--fresh` each is a new one.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.tally import Tally


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5, metavar="N", help="kills a life")
    parser.add_argument("--double", action="store_true", help="and the next session while it recovers")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for every process")
    parser.add_argument("--replay", type=int, default=5, metavar="N", help="replay the journal of every Nth")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--results", default="", metavar="FILE", help="add a line for every --chunk rounds")
    parser.add_argument("--chunk", type=int, default=20, metavar="N")
    parser.add_argument("--revision", default="", help="of the code, for the results")
    chosen = parser.parse_args(arguments)
    from tests.lives import lives

    tool = "killed_live --double" if chosen.double else "killed_live"
    tally = Tally(tool, chosen.results, chosen.chunk, chosen.revision)
    began_s = time.monotonic()
    with lives(chosen.seed, chosen.kills, chosen.double, chosen.replay, chosen.fresh) as played:
        for number in range(chosen.times):
            one = played.round(number)
            tally.add(one.seed, one.wrong, one.facts)
            if one.wrong or chosen.verbose:
                line = f"seed {one.seed}: {one.kill}, {one.lived_s:.1f} s: {'; '.join(one.wrong) or 'well'}"
                print(line, flush=True)
    tally.flush()
    per_minute = tally.count / (time.monotonic() - began_s) * 60
    print(", ".join(f"{count} {name}" for name, count in sorted(tally.facts.items())))
    print(f"{tally.count} rounds, {per_minute:.1f} a minute, {len(tally.wrong)} wrong")
    return 8 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
