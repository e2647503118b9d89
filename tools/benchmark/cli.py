# SPDX-License-Identifier: LGPL-2.1-or-later
"""The course of tools/bench."""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import sys
import time

from . import clip, networks, plan, programs, results, show
from .samples import Samples

DOCUMENT = programs.ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures the elements beside what the machine allows: a table; JSON and a chart in out/bench/.",
        epilog="""The figures mean something on a machine that does nothing else. QUICK=1 only shows that all works.
BENCH_ROUNDS and BENCH_SECONDS change the number of rounds and the length of each live part. Exit status: 0 all was
measured, whatever came out; 1 something could not be.""",
    )
    parser.add_argument("--out", type=pathlib.Path, default=programs.ROOT / "out" / "bench", metavar="FOLDER")
    parser.add_argument("--only", metavar="WORD", help="only the steps whose name contains it, and their needs")
    last = parser.add_mutually_exclusive_group()
    last.add_argument("--markdown", action="store_true", help="measure nothing: print the last run's table as Markdown")
    last.add_argument("--document", action="store_true", help="likewise, and put it into docs/performance.md")
    return parser.parse_args(argv)


def settings_of(environment):
    settings = plan.Settings.quick() if environment.get("QUICK", "0") not in ("", "0") else plan.Settings()
    for variable, field in (("BENCH_ROUNDS", "rounds"), ("BENCH_SECONDS", "live_seconds")):
        text = environment.get(variable)
        if text:
            if not (text.isdigit() and int(text) > 0):
                raise programs.BenchError(f"{variable} is {text!r}; it is a whole number above 0")
            settings = dataclasses.replace(settings, **{field: int(text)})
    return settings


def machine_facts(settings):
    """What the figures were measured on."""
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    version = re.search(r"Version\s+(\S+)", programs.output_of("gst-inspect-1.0", "torchinference"))
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{os_name()}, Linux {platform.release()}",
        "gstreamer": programs.output_of("gst-inspect-1.0", "--version").split()[2],
        "torch": networks.torch_version(),
        "version": version.group(1) if version else "unknown",
        "date": datetime.date.today().isoformat(),
        "load": os.getloadavg()[0],
        "rounds": settings.rounds,
        "meaningful": settings.meaningful,
    }


def os_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown system"


def say(text):
    print(text, flush=True)


def run_steps(steps, samples, place, start):
    for step in steps:
        begin = time.monotonic()
        try:
            told = step.run(samples)
        except (programs.BenchError, KeyError, IndexError) as error:
            told = str(error) if isinstance(error, programs.BenchError) else f"it printed no {error}"
            samples.failures.setdefault(step.name, told.splitlines()[0])
            told = f"FAILED: {told}"
        passed = time.monotonic() - start
        say(f"{place} {int(passed) // 60}:{int(passed) % 60:02} {step.name} ({time.monotonic() - begin:.0f} s): {told}")


def measure(options, settings):
    assets = pathlib.Path(programs.output_of(programs.ROOT / "tools" / "assets").strip())
    # One scan of the registry, which no step shall pay for.
    programs.output_of("gst-inspect-1.0", "identity")
    machine = machine_facts(settings)
    say("\n".join(show.machine_lines(machine)))
    say("making the video and the models, where they are not there yet")
    video = clip.path(assets)
    files = {network.name: networks.files(assets, network) for network in networks.NETWORKS}

    samples = Samples()
    course = plan.Plan(video, files, settings)
    start = time.monotonic()
    for number in range(1, settings.rounds + 1):
        steps = [step for step in course.steps_of_round() if wanted(step, options)]
        run_steps(steps, samples, f"round {number}/{settings.rounds}", start)
    run_steps([step for step in course.steps_once() if wanted(step, options)], samples, "once", start)
    return machine | {"cores": samples.facts.get("cores", machine["cores"])}, samples


def wanted(step, options):
    return options.only is None or options.only in step.name or step.name.startswith("preprocess alone")


def write_results(folder, machine, samples):
    from . import chart

    rows = results.rows_of(samples)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(show.as_json(machine, samples, rows), indent=1)
    (folder / "bench.json").write_text(text + "\n", encoding="utf-8")
    chart.write(folder / "bench.png", machine, rows)
    say("\n" + show.text(machine, rows) + "\n")
    say(f"written: {folder / 'bench.json'}, {folder / 'bench.png'}")


def put_into_document(table):
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise programs.BenchError(f"{DOCUMENT} has no lines {BEGIN.strip()} and {END.strip()}")
    DOCUMENT.write_text(before + BEGIN + "\n" + table + "\n\n" + END + after, encoding="utf-8")


def main(argv=None):
    options = arguments(argv)
    try:
        if options.markdown or options.document:
            try:
                kept = json.loads((options.out / "bench.json").read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise programs.BenchError(f"there is no earlier run: {error}") from error
            table = show.markdown(kept["machine"], [results.row_of(row) for row in kept["rows"]])
            if options.document:
                put_into_document(table)
            else:
                print(table)
            return 0
        machine, samples = measure(options, settings_of(os.environ))
        write_results(options.out, machine, samples)
    except programs.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for step, why in samples.failures.items():
        print(f"bench: {step} failed: {why}", file=sys.stderr)
    return 1 if samples.failures else 0
