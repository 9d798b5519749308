#!/usr/bin/env python3
"""hardening.py BUILD: what the compiler and the linker were to do is in the binary and in each plugin.

Read by readelf from the files themselves: position independent, read-only relocations bound at the start, no stack and
no segment that can be written and run, code apart from data, a build id; in the binary canaries and checked functions of
libc (not where sanitizers take their place). What leaves no trace in a file is looked up in compile_commands.json.
"""
import glob
import json
import re
import subprocess
import sys

build = sys.argv[1]
status = 0


def say(text):
    global status
    status = 1
    print(text)


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout


def check(path, binary):
    head, segments, dynamic = readelf(path, "-h"), readelf(path, "-l"), readelf(path, "-d")
    if not re.search(r"Type:\s+DYN", head) or (binary and "PIE" not in dynamic):
        say(f"{path}: is not position independent")
    if "GNU_RELRO" not in segments or "NOW" not in dynamic:
        say(f"{path}: relocations are not made read-only at the start (-z relro -z now)")
    stack = re.search(r"GNU_STACK.*\s([RWE]+)\s+0x", segments)
    if not stack or "E" in stack.group(1):
        say(f"{path}: its stack can be run (-z noexecstack)")
    flags = re.findall(r"^\s*LOAD\s+(?:0x[0-9a-f]+\s+){5}([RWE ]+?)\s+0x", segments, re.M)
    if not flags or any("W" in f and "E" in f for f in flags):
        say(f"{path}: a segment can be written and run")
    if not flags or "E" in flags[0]:
        say(f"{path}: headers and data lie with the code (-z separate-code)")
    for bad in ("TEXTREL", "RPATH", "RUNPATH"):
        if f"({bad})" in dynamic:
            say(f"{path}: has {bad}")
    if "Build ID:" not in readelf(path, "-n"):
        say(f"{path}: has no build id")
    return readelf(path, "--dyn-syms")


symbols = check(f"{build}/weir", True)
check(f"{build}/weir-supervisor", True)
plugins = sorted(glob.glob(f"{build}/plugins/*.so"))
if not plugins:
    say(f"{build}/plugins: no plugin is there")
for plugin in plugins:
    check(plugin, False)

sanitized = "__asan_init" in symbols or "__tsan_init" in symbols
if "__stack_chk_fail" not in symbols:
    say(f"{build}/weir: has no canaries (-fstack-protector-strong)")
if not sanitized and not re.search(r"__\w+_chk@", symbols):
    say(f"{build}/weir: calls no checked functions (-D_FORTIFY_SOURCE)")

wanted = ["-fstack-protector-strong", "-fstack-clash-protection"] + ([] if sanitized else ["-D_FORTIFY_SOURCE=2"])
for unit in json.load(open(f"{build}/compile_commands.json")):
    path = unit["file"]
    if not re.search(r"/(core|plugins)/[^/]+/[^/]+\.c$", path):
        continue
    missing = [flag for flag in wanted if flag not in unit["command"]]
    if missing:
        say(f"{path}: is compiled without {' '.join(missing)}")
sys.exit(status)
