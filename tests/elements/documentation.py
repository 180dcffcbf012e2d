#!/usr/bin/python3
"""The documentation is complete, by what gst-inspect-1.0 shows: each element has a section
with an example and since when it is there, each property a blurb that says it all or a text
of its own, each value of an enumeration a description.

    documentation.py FOLDER    the plugin's sources
"""
import glob
import os
import re
import subprocess
import sys

# What the base classes of GStreamer have.
INHERITED = {"name", "parent", "qos", "async-handling", "message-forward", "latency",
             "min-upstream-latency", "start-time", "start-time-selection", "emit-signals",
             "force-live"}


def inspect(*arguments):
    done = subprocess.run(["gst-inspect-1.0", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"gst-inspect-1.0 {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def blocks(folder):
    """-> text of each documentation comment, by its first word."""
    found = {}
    for path in glob.glob(os.path.join(folder, "*.c")):
        with open(path, encoding="utf-8") as file:
            for text in re.findall(r"/\*\*\n(.*?)\*/", file.read(), re.S):
                lines = [re.sub(r"^\s*\* ?", "", line) for line in text.splitlines()]
                found[lines[0].strip()] = "\n".join(lines[1:])
    return found


def main(folder):
    wrong = []

    def want(true, what):
        if not true:
            wrong.append(what)

    documented = blocks(folder)
    elements = re.findall(r"^\s+(sympie\w+): ", inspect("sympie"), re.M)
    want(len(elements) >= 3, f"elements: {elements}")
    for element in elements:
        section = documented.get(f"SECTION:element-{element}", "")
        for part in (f"@title: {element}\n", "@short_description: ", "gst-launch-1.0 ", "Since: "):
            want(part in section, f"{element}: no '{part.strip()}' in its section")
        shown = inspect(element)
        parts = re.split(r"^  (\S+) +: ", shown.split("Element Properties:")[1], flags=re.M)
        for name, text in zip(parts[1::2], parts[2::2]):
            if name in INHERITED or not re.fullmatch(r"[a-z0-9-]+", name):
                continue
            words = len(text.splitlines()[0].split())
            want(words >= 2, f"{element} {name}: no blurb")
            for value in re.findall(r"^ +\(\d+\): (.*)", text, re.M):
                want(len(value.split()) >= 3, f"{element} {name}: value '{value}' is not explained")
            if "properties are those of" in section.lower():
                continue
            own = [key for key in documented if re.fullmatch(rf"GstSympie\w+:{name}:", key)]
            want(own or words >= 4, f"{element} {name}: no documentation")
            for key in own:
                want(re.search(r"\w+ \w+", documented[key]), f"{key} no text")
    for line in sorted(set(wrong)):
        print(line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
