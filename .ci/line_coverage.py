"""Ends with 1 where less than the given percentage of lines was run. Arguments: REPORT PERCENT

coverage.py's own gate mixes lines and branches; ours is on lines, and branches are reported.
"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
gate = float(sys.argv[2])
total = report["totals"]
lines = 100.0 * total["covered_lines"] / total["num_statements"]
branches = 100.0 * total["covered_branches"] / max(total["num_branches"], 1)
for name, part in sorted(report["files"].items(), key=lambda item: item[1]["summary"]["percent_covered"]):
    summary = part["summary"]
    missing = summary["num_statements"] - summary["covered_lines"]
    if missing and 100.0 * summary["covered_lines"] / summary["num_statements"] < gate:
        share = 100.0 * summary["covered_lines"] / summary["num_statements"]
        print(f"  {name}: {share:.1f} % of lines, missing {part['missing_lines']}")
print(f"coverage: {lines:.2f} % of lines (at least {gate:g} % wanted), {branches:.2f} % of branches")
sys.exit(lines < gate)
