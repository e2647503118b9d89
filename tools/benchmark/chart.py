# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows as a picture: frames a second of each network beside what the machine allows, and the goals."""

from PIL import Image, ImageDraw, ImageFont

from . import show
from .networks import NETWORKS

SCALE = 2  # pixels of the file for one of the layout
WIDTH = 1000
MARGIN = 28
BAR, GAP = 20, 7
LABELS = 150  # left of the bars
LINE = 24
INK, PALE, GROUND = "#1f2430", "#6b7280", "#ffffff"
COLOURS = {"bound": "#b8c0cc", "end-to-end": "#2563eb", "int8": "#7c3aed", "onnx": "#d97706"}
NAMES = {"bound": "bound", "end-to-end": "torchinference", "int8": "the same, int8", "onnx": "onnxinference"}
VERDICTS = {True: ("#15803d", "met"), False: ("#b91c1c", "missed"), None: (PALE, "not measured")}


class Canvas:
    """Draws in the units of the layout, from the top down; `y` is where the next thing goes."""

    def __init__(self, height):
        self.image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), GROUND)
        self.draw = ImageDraw.Draw(self.image)
        self.y = MARGIN

    def text(self, x, text, size=13, colour=INK, anchor="la", bold=False):
        font = ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", size * SCALE)
        self.draw.text((x * SCALE, self.y * SCALE), text, fill=colour, font=font, anchor=anchor)

    def box(self, left, top, right, bottom, colour):
        self.draw.rectangle([round(edge * SCALE) for edge in (left, top, right, bottom)], fill=colour)


def write(path, machine, rows):
    by_id = {row.id: row for row in rows}
    goals = [row for row in rows if row.goal]
    lines = list(show.machine_lines(machine))
    bars = sum(f"{kind}-{network.name}" in by_id for kind in NAMES for network in NETWORKS)
    groups = bars * (BAR + GAP) + len(NETWORKS) * 40
    height = MARGIN * 2 + 40 + len(lines) * 20 + groups + 50 + len(goals) * LINE
    canvas = Canvas(height)
    canvas.text(MARGIN, "Frames a second through a 1080p H.264 file", size=18, bold=True)
    canvas.y += 34
    for line in lines:
        canvas.text(MARGIN, line, size=11, colour=PALE)
        canvas.y += 18
    canvas.y += 12
    _bars(canvas, by_id)
    canvas.y += 10
    canvas.text(MARGIN, "Goals", size=16, bold=True)
    canvas.y += 32
    for row in goals:
        _goal(canvas, row)
    canvas.image.save(path)


def _bars(canvas, by_id):
    shown = [by_id.get(f"{kind}-{network.name}") for kind in NAMES for network in NETWORKS]
    longest = max([1.0] + [row.median or 0.0 for row in shown if row])
    room = WIDTH - 2 * MARGIN - LABELS - 90
    for network in NETWORKS:
        canvas.text(MARGIN, network.name, size=14, bold=True)
        canvas.y += 26
        for kind, name in NAMES.items():
            row = by_id.get(f"{kind}-{network.name}")
            if row is None:  # not every network is measured in 8 bits
                continue
            left = MARGIN + LABELS
            canvas.text(MARGIN, name, colour=PALE)
            if row.values:
                end = left + row.median / longest * room
                canvas.box(left, canvas.y, end, canvas.y + BAR, COLOURS[kind])
                lower, upper = (left + edge / longest * room for edge in row.quartiles)
                if upper > lower:
                    middle = canvas.y + BAR / 2
                    canvas.box(lower, middle - 1, upper, middle + 0.5, INK)
                canvas.text(max(end, upper) + 8, show.number(row.median, 1))
            else:
                canvas.text(left, row.note.splitlines()[0] if row.note else "not measured", colour=PALE)
            canvas.y += BAR + GAP
        canvas.y += 14


def _goal(canvas, row):
    colour, verdict = VERDICTS[row.met]
    _, median, _, goal, _, _ = show.cells(row)
    group = row.group.split(",")[0]
    canvas.text(MARGIN, f"{group}: {row.title}")
    canvas.text(WIDTH - MARGIN - 190, median, anchor="ra", bold=True)
    canvas.text(WIDTH - MARGIN - 90, goal, colour=PALE, anchor="ra")
    canvas.text(WIDTH - MARGIN - 76, verdict, colour=colour, bold=True)
    canvas.y += LINE
