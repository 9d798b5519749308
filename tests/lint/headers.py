#!/usr/bin/env python3
"""headers.py: every prototype, struct and enum of a header stands under a comment, and every file
begins with a comment that says what it is and has the licence's SPDX line."""
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
wrong = []


def check_comments(path, text):
    lines = text.split("\n")
    covered = False  # whether a comment stands above, with nothing but declarations between
    in_comment = depth = 0
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if in_comment or stripped.startswith("/*"):
            in_comment = "*/" not in line
            covered = True
            continue
        if depth == 0 and stripped == "":
            covered = False
            continue
        starts = depth == 0 and re.match(r"^(static inline |const |enum |struct |unsigned |void |bool |char |size_t |int|uint\w+ |double )", line)
        is_prototype = starts and re.search(r"\w\(", line) and not line.startswith(("typedef", "#"))
        if is_prototype and not covered:
            wrong.append(f"{path}:{number}: a prototype without a comment: {stripped[:70]}")
        depth += line.count("{") - line.count("}")


for path in sorted(glob.glob("core/*/*.h")):
    check_comments(path, open(path, encoding="utf-8").read())
for path in sorted(glob.glob("core/*/*.[ch]") + glob.glob("plugins/*/*.[ch]") +
                   glob.glob("plugins/shared/*/*.[ch]")):
    text = open(path, encoding="utf-8").read()
    head = text[: text.find("*/")]
    if not text.startswith("/*") or "SPDX-License-Identifier: Apache-2.0" not in head:
        wrong.append(f"{path}:1: the first comment says what the file is and ends with the SPDX line")
    if any(ord(c) > 126 for c in text):
        wrong.append(f"{path}: a character that is not ASCII")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
