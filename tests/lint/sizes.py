#!/usr/bin/env python3
"""sizes.py: functions of at most 60 lines, files of at most 500. What is longer for a reason
stands in tests/lint/sizes.allow with that reason."""
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
allowed = {}
for line in open("tests/lint/sizes.allow", encoding="utf-8"):
    if line.strip() and not line.startswith("#"):
        name, reason = line.split(None, 1)
        allowed[name] = reason
wrong = []
for path in sorted(glob.glob("core/*/*.[ch]") + glob.glob("plugins/*/*.[ch]") +
                   glob.glob("plugins/shared/*/*.[ch]")):
    lines = open(path, encoding="utf-8").read().split("\n")
    if len(lines) > 501 and path not in allowed:
        wrong.append(f"{path}: {len(lines) - 1} lines")
    name = start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^[a-z_]\w*\(", line):
            name = line.split("(")[0]
        if line == "{" and name:
            start = number
        if line == "}" and start:
            length = number - start + 1
            if length > 60 and f"{path}:{name}" not in allowed:
                wrong.append(f"{path}:{start}: {name} has {length} lines")
            name = start = None
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
