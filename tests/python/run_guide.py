"""Runs the Python blocks of a page, one after the other: run_guide.py PAGE. It prints what became
of some of the names that they define, as JSON."""

import contextlib
import json
import re
import sys
import warnings

warnings.simplefilter("error")
page = open(sys.argv[1], encoding="utf-8").read()
blocks = [
    (page.count("\n", 0, match.start(1)) + 1, match[1])
    for match in re.finditer(r"^```python\n(.*?)^```$", page, re.S | re.M)
]
names = {}
for line, block in blocks:
    with contextlib.redirect_stdout(sys.stderr):
        # So that an error names the line of the page.
        exec(compile("\n" * (line - 1) + block, sys.argv[1], "exec"), names)

print(
    json.dumps(
        {
            "blocks": len(blocks),
            "accepted": names["published"].accepted,
            "rows": len(names["training"]),
            "columns": list(names["training"].columns),
            "online": names["online"]["departures_7d"].tolist(),
            "matches": names["why"].matches,
            "airports": len(names["delays"]),
            "named": [names["made"].reference, names["table"].num_rows],
            "grid": names["daily"].rows,
        }
    )
)
