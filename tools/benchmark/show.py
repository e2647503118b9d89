# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows as a table for the terminal, as Markdown, and as JSON."""

import dataclasses

HEADINGS = ("", "median", "quartiles", "goal", "", "")


def number(value, digits):
    return f"{value:.{digits}f}"


def cells(row):
    """Title, median, quartiles, goal, verdict, note."""
    if not row.values:
        return row.title, "-", "", goal_text(row), "", row.note or "not measured"
    unit = f" {row.unit}" if row.unit else ""
    spread = ""
    if len(row.values) > 1:
        lower, upper = row.quartiles
        spread = f"{number(lower, row.digits)} - {number(upper, row.digits)}"
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    return row.title, number(row.median, row.digits) + unit, spread, goal_text(row), verdict, row.note


def goal_text(row):
    if row.goal is None:
        return ""
    unit = f" {row.unit}" if row.unit else ""
    return f"{'>=' if row.goal.sense == 'at least' else '<='} {row.goal.value:g}{unit}"


def grouped(rows):
    """Pairs of a group's name and its rows."""
    groups = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups.items()


def machine_lines(machine):
    yield f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']}; {machine['system']}"
    yield f"GStreamer {machine['gstreamer']}, libtorch {machine['torch']}, gst-plugins-torch {machine['version']}"
    line = f"{machine['date']}, rounds: {machine['rounds']}, load before: {machine['load']:.1f}"
    if not machine["meaningful"]:
        line += " (A QUICK RUN: these figures mean nothing)"
    elif machine["load"] > 0.3 * machine["cores"]:
        line += " (THE MACHINE WAS BUSY: these figures are noise)"
    yield line


def text(machine, rows):
    table = [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in [HEADINGS, *table]) for i in range(len(HEADINGS))]

    def line(columns):
        first, *middle, note = columns
        parts = [f"  {first:<{widths[0]}}"]
        parts += [f"{column:>{width}}" for column, width in zip(middle[:3], widths[1:4])]
        parts += [f"{middle[3]:<{widths[4]}}", note]
        return "  ".join(parts).rstrip()

    lines = [*machine_lines(machine), "", line(HEADINGS)]
    for group, members in grouped(rows):
        lines += ["", group, *(line(cells(row)) for row in members)]
    return "\n".join(lines)


def markdown(machine, rows):
    lines = ["Measured on " + "; ".join(machine_lines(machine)) + "."]
    for group, members in grouped(rows):
        lines += [
            "",
            f"**{group}**",
            "",
            "| | median | quartiles | goal | | |",
            "| --- | ---: | ---: | --- | --- | --- |",
        ]
        lines += ["| " + " | ".join(cells(row)) + " |" for row in members]
    return "\n".join(lines)


def as_json(machine, samples, rows):
    """Everything, as plain values: the machine, the rows, and the samples that they were made of."""

    def plain(row):
        goal = dataclasses.asdict(row.goal) if row.goal else None
        fields = {
            key: getattr(row, key) for key in ("id", "group", "title", "unit", "values", "median", "note", "digits")
        }
        return fields | {"quartiles": row.quartiles, "goal": goal, "met": row.met}

    return {
        "machine": machine,
        "rows": [plain(row) for row in rows],
        "samples": samples.values,
        "failures": samples.failures,
        "absent": samples.absent,
    }
