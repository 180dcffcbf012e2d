#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks what run.sh was given, has Snakemake do it, and says what went wrong."""

import argparse
import fcntl
import glob
import json
import math
import os
import re
import signal
import subprocess
import sys

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LOG = os.path.join("logs", "snakemake.txt")
EXAMPLE = """
examples:
  run.sh a.mp4 b.mp4 --codecs h264,av1
  run.sh a.mp4 --rates 20,30,40,50 --reuse 1 --subsample 1 --measures relu3_1/full --out a-fine
  run.sh a.mp4 b.mp4 --profile pipelines/study/slurm

A study that was interrupted, or that is asked for more rates, clips or codecs, does
only what is missing. CLIPs are to have names of their own. See README.md beside
this program for what a rate is and what the study writes.
"""


class Wrong(Exception):
    """What the user is told."""


def integers(name, low, high):
    def read(text):
        if not re.fullmatch(r"\d+(,\d+)*", text):
            raise Wrong(f"{name} wants numbers and commas, not '{text}'")
        numbers = list(dict.fromkeys(int(part) for part in text.split(",")))
        for number in numbers:
            if not low <= number <= high:
                raise Wrong(f"{name}: {number} is not from {low} to {high}")
        return numbers
    return read


def integer(name, low):
    many = integers(name, low, 2**31 - 1)

    def read(text):
        if "," in text:
            raise Wrong(f"{name} wants one number, not '{text}'")
        return many(text)[0]
    return read


def options(defaults):
    parser = argparse.ArgumentParser(
        prog="run.sh", description="Studies what sympieenhance gives back of what "
        "compression takes, as table 8 of the paper does.", epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: (_ for _ in ()).throw(Wrong(f"{message}; see --help"))

    def shown(key):
        value = defaults[key]
        return ",".join(map(str, value)) if isinstance(value, list) else value
    add = parser.add_argument
    add("clips", nargs="+", metavar="CLIP", help="video file")
    add("--codecs", metavar="C,C...", help=f"of {', '.join(defaults['codecs'])} "
        f"({shown('use')})")
    add("--rates", type=integers("--rates", 1, 63), metavar="N,N...",
        help=f"1 (best) to 63, see README.md ({shown('rates')})")
    add("--reuse", type=integers("--reuse", 1, 2**31 - 1), metavar="N,N...",
        help=f"frames that share parameters; 1 is always added ({shown('reuse')})")
    add("--subsample", type=integer("--subsample", 1), metavar="N",
        help=f"measure every Nth frame ({shown('subsample')})")
    add("--frames", type=integer("--frames", 0), metavar="N",
        help="only the first N frames of each clip (0: all)")
    add("--measures", metavar="L/I,L/I...", help="sympieprobe's layer and input, the "
        f"main one first ({shown('measures')}); pool5/full is another")
    add("--device", choices=["auto", "cpu", "cuda"],
        help=f"where to compute ({shown('device')})")
    add("--models", metavar="DIR", help="classifiers whose answers are compared, such as "
        "../shared/data/models (none)")
    add("--weights", metavar="FILE", help="NEM's (weights/nem.safetensors)")
    add("--vgg19", metavar="FILE", help="VGG19's ($SYMPIE_VGG19_WEIGHTS, or what "
        "weights/fetch-vgg19.sh installed)")
    add("--out", metavar="DIR", default="build/study", help="results (%(default)s)")
    add("-j", "--jobs", type=integer("-j", 1), metavar="N",
        help="jobs at a time (one for each processor)")
    add("--profile", metavar="DIR", help="Snakemake's, for clusters: see slurm/")
    add("--no-setup", action="store_true", help="without setup.sh --study first")
    return parser


def clip_names(paths):
    """-> {name: path}; a name is what is safe in any file's name."""
    names = {}
    for path in paths:
        if not os.path.exists(path):
            raise Wrong(f"no such file: {path}")
        if not os.path.isfile(path) or not os.access(path, os.R_OK):
            raise Wrong(f"not a readable file: {path}")
        stem = os.path.splitext(os.path.basename(path))[0]
        name = re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip(".-") or "_"
        path = os.path.realpath(path)
        if name in names:
            raise Wrong(f"two clips are called {name}: {names[name]} and {path}")
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "V", "-of", "default=nk=1:nw=1",
             "-show_entries", "stream=index", path], capture_output=True, text=True)
        if done.returncode or not done.stdout.strip():
            raise Wrong(f"no video in {path}")
        names[name] = path
    return names


def layers():
    return [f"relu{block}_{conv}" for block, convs in enumerate((2, 2, 4, 4, 4), 1)
            for conv in range(1, convs + 1)] + ["pool5"]


def measures(text):
    """-> the list of them, checked."""
    found = list(dict.fromkeys(text.split(",")))
    for measure in found:
        layer, _, seen = measure.partition("/")
        if layer not in layers():
            raise Wrong(f"unknown layer '{layer}'; known: {', '.join(layers())}")
        if seen not in ("crop224", "full"):
            raise Wrong(f"--measures: '{measure}' does not end in /crop224 or /full")
    return found


def models(folder):
    """-> the folder, where one is asked for; it has to be one."""
    if not folder:
        return ""
    folder = os.path.realpath(folder)
    if not os.path.isfile(os.path.join(folder, "classifiers.py")):
        raise Wrong(f"--models: no classifiers.py in {folder}")
    if subprocess.run(["/usr/bin/python3", "-c", "import torch"],
                      capture_output=True).returncode:
        raise Wrong("--models wants python3-torch; see setup.sh --study")
    return folder


def weights(asked, otherwise, missing):
    """-> the first file that is named; it has to be there."""
    path = os.path.realpath(next(name for name in [asked, *otherwise] if name))
    if not os.access(path, os.R_OK) or not os.path.isfile(path):
        raise Wrong(missing.format(path))
    return path


def configure(defaults, given):
    """-> all that the Snakefile needs, checked."""
    config = dict(defaults)
    for key in ("rates", "reuse", "subsample", "frames", "device", "models", "weights",
                "vgg19"):
        if getattr(given, key) is not None:
            config[key] = getattr(given, key)
    wanted = given.codecs.split(",") if given.codecs else config.pop("use")
    config.pop("use", None)
    for codec in wanted:
        if codec not in defaults["codecs"]:
            raise Wrong(f"unknown codec '{codec}'; known: {', '.join(defaults['codecs'])}")
    config["codecs"] = {codec: defaults["codecs"][codec] for codec in wanted}
    config["reuse"] = sorted({1, *config["reuse"]})
    for reuse in config["reuse"]:
        if math.gcd(reuse, config["subsample"]) > 1:
            raise Wrong(
                f"--subsample {config['subsample']} and --reuse {reuse} have a common "
                "divisor: frames with fresh parameters would be measured too often; "
                "take a prime number such as 7 or 11")
    config["measures"] = measures(given.measures or ",".join(config["measures"]))
    config["models"] = models(config["models"])
    config["weights"] = weights(
        config["weights"], [os.environ.get("SYMPIE_WEIGHTS"),
                            os.path.join(ROOT, "weights", "nem.safetensors")],
        "no weights of the network: {} cannot be read")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    config["vgg19"] = weights(
        config["vgg19"], [os.environ.get("SYMPIE_VGG19_WEIGHTS"),
                          os.path.join(data, "gst-sympie", "vgg19.safetensors")],
        "no weights of VGG19: {} cannot be read; weights/fetch-vgg19.sh gets them")
    config["clips"] = clip_names(given.clips)
    return config


def find_plugin():
    built = os.path.join(ROOT, "build", "gst-sympie")
    if os.path.isdir(built):
        paths = [built, os.environ.get("GST_PLUGIN_PATH")]
        os.environ["GST_PLUGIN_PATH"] = os.pathsep.join(filter(None, paths))
    for element in ("sympieenhance", "sympieprobe"):
        if subprocess.run(["gst-inspect-1.0", element], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            raise Wrong(f"GStreamer has no {element}: run ./setup.sh")


def write_config(folder, config):
    """Left alone where it says the same: its time makes the tables anew."""
    path = os.path.join(folder, "config.json")
    text = json.dumps(config, indent=2) + "\n"
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".part", path)


def reasons(folder):
    """-> {log: its line that says why a job failed}, see job.sh."""
    found = {}
    for path in glob.glob(os.path.join(folder, "logs", "**", "*.log"), recursive=True):
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        if lines and lines[-1].startswith("study: "):
            found[path] = lines[-1]
    return found


def run_snakemake(folder, given, lock):
    """-> whether it did all, and what it says could not be made."""
    command = ["snakemake", "--snakefile", os.path.join(HERE, "Snakefile"),
               "--directory", folder, "--configfile", os.path.join(folder, "config.json"),
               "--rerun-incomplete", "--keep-going"]
    # Its own lock outlives it where it is killed; ours does not, and lives as long
    # as any of its jobs.
    command += ["--nolock"]
    if given.profile:
        path = os.path.realpath(given.profile)
        command += ["--profile", path if os.path.isdir(path) else given.profile]
        command += ["--jobs", str(given.jobs)] if given.jobs else []
    else:
        command += ["--cores", str(given.jobs or len(os.sched_getaffinity(0)))]
    failed = []
    with open(os.path.join(folder, LOG), "w", encoding="utf-8") as log:
        job = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               pass_fds=[lock.fileno()], start_new_session=True)
        try:
            for line in job.stdout:
                log.write(line)
                log.flush()
                if re.match(r"\d+ of \d+ steps", line):
                    print(f"study: {line.strip()}", flush=True)
                elif line.startswith("Error in rule "):
                    failed.append(None)
                elif failed and not failed[-1] and line.startswith("    output: "):
                    failed[-1] = line.split(":", 1)[1].strip()
        except KeyboardInterrupt:
            os.killpg(job.pid, signal.SIGINT)
            log.write(job.communicate()[0])
            raise Wrong("interrupted; started again, it goes on") from None
    return job.wait() == 0, failed


def study(folder, given, lock):
    os.makedirs(os.path.join(folder, "logs"), exist_ok=True) # a cluster's, too
    for path in reasons(folder):
        os.remove(path)
    done, failed = run_snakemake(folder, given, lock)
    if done:
        return
    said = [f"{line.removeprefix('study: ')} (see {path})"
            for path, line in sorted(reasons(folder).items())]
    # A job that was killed could not say why.
    log = os.path.join(folder, LOG)
    said = said or [f"cannot make {output} (see {log})" for output in failed]
    raise Wrong("\nstudy: ".join(said or [f"Snakemake failed (see {log})"]))


def main():
    with open(os.path.join(HERE, "config.yaml"), encoding="utf-8") as file:
        defaults = yaml.safe_load(file)
    try:
        given = options(defaults).parse_args()
        # A shell's background job ignores SIGINT, and so would what it starts.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        config = configure(defaults, given)
        find_plugin()
        folder = os.path.realpath(given.out)
        for clip in config["clips"].values():
            if os.path.relpath(clip, folder).split(os.sep)[0] in ("clips", "encodes"):
                raise Wrong(f"the study would overwrite {clip}: name another --out")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, ".lock"), "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Wrong(f"another study is at work in {folder}") from None
            write_config(folder, config)
            study(folder, given, lock)
        with open(os.path.join(folder, "table.md"), encoding="utf-8") as file:
            print(file.read())
        print(f"study: done, see {folder}")
    except (Wrong, OSError) as error:
        print(f"study: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
