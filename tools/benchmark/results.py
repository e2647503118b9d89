# SPDX-License-Identifier: LGPL-2.1-or-later
"""From samples to the rows of the table: medians, spread, what the machine allows, and goals."""

import dataclasses
import operator
import statistics

from .networks import NETWORKS
from .plan import BATCHES, LIVE_NETWORK, STREAM_NETWORKS, STREAMS

AT_LEAST, AT_MOST = "at least", "at most"


@dataclasses.dataclass(frozen=True)
class Goal:
    sense: str
    value: float

    def met(self, value):
        return (operator.ge if self.sense == AT_LEAST else operator.le)(value, self.value)


@dataclasses.dataclass
class Row:
    id: str
    group: str
    title: str
    unit: str
    values: list  # one a round; empty where it could not be measured
    goal: Goal | None = None
    note: str = ""
    digits: int = 1

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    @property
    def quartiles(self):
        """The lower and the upper."""
        if not self.values:
            return None
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        lower, _, upper = statistics.quantiles(self.values, n=4, method="inclusive")
        return lower, upper

    @property
    def met(self):
        """Whether the median reaches the goal; None where there is no goal or no value."""
        return self.goal.met(self.median) if self.goal and self.values else None


def row_of(plain):
    """The row that show.as_json() wrote."""
    fields = {field.name: plain[field.name] for field in dataclasses.fields(Row)}
    return Row(**fields | {"goal": Goal(**plain["goal"]) if plain["goal"] else None})


def ratios(over, under):
    """Round by round, so that a round that was disturbed as a whole disturbs no ratio."""
    return [a / b for a, b in zip(over, under) if b]


def best_batch(values, network):
    """The batch size at which libtorch alone is fastest, or None."""
    rates = {batch: values.get(f"forward/{network}/{batch}/fps") for batch in BATCHES}
    rates = {batch: statistics.median(found) for batch, found in rates.items() if found}
    return max(rates, key=rates.get) if rates else None


def stage_sums(values, network):
    """CPU time in milliseconds that a frame takes in the stages alone, round by round."""
    batch = best_batch(values, network.name)
    parts = ["decode/cpu-ms", f"preprocess/{network.filter}/cpu-ms", f"forward/{network.name}/{batch}/cpu-ms"]
    return [sum(times) for times in zip(*(values.get(part, []) for part in parts))]


def rows_of(samples):
    """All rows, always the same ones; those without values say why in their note."""
    return [*_stage_rows(samples), *_network_rows(samples), *_stream_rows(samples), *_flow_rows(samples)]


def _stage_rows(samples):
    values = samples.values
    group = "Stages alone, CPU time of one 1080p frame"
    fps = values.get("decode/fps")
    note = f"{statistics.median(fps):.0f} fps" if fps else ""
    yield _row(
        samples, "decode", group, "H.264 decoding", "ms", "decode/cpu-ms", step="decode alone", note=note, digits=2
    )
    for name in ("bilinear", "bicubic"):
        step = f"preprocess alone, {name}"
        key = f"preprocess/{name}/cpu-ms"
        yield _row(samples, f"preprocess-{name}", group, f"preprocessing, {name}", "ms", key, step=step, digits=2)
    for network in NETWORKS:
        batch = best_batch(values, network.name)
        key = f"forward/{network.name}/{batch}"
        note = f"batch {batch}, {statistics.median(values[f'{key}/fps']):.0f} fps" if batch else ""
        step = f"forward alone, {network.name}"
        title = f"forward, {network.name}"
        yield _row(
            samples, f"forward-{network.name}", group, title, "ms", f"{key}/cpu-ms", step=step, note=note, digits=2
        )


def _network_rows(samples):
    values = samples.values
    cores = samples.facts.get("cores", 1)
    for network in NETWORKS:
        name = network.name
        group = f"A 1080p file through {name}"
        stages = stage_sums(values, network)
        bound = [cores * 1e3 / time for time in stages]
        ours = values.get(f"end-to-end/{name}/fps", [])
        onnx = values.get(f"onnx/{name}/fps", [])
        how = "; ".join(dict.fromkeys(samples.facts.get(f"end-to-end/{name}", [])))
        of_cpu = ratios(values.get(f"end-to-end/{name}/cpu-ms", []), stages)
        yield Row(f"bound-{name}", group, "bound: all cores busy with the stages alone", "fps", bound)
        step = f"end to end, {name}"
        yield _because(samples, Row(f"end-to-end-{name}", group, "torchinference", "fps", ours, note=how), step)
        of_bound = ratios(ours, bound)
        yield Row(f"of-bound-{name}", group, "torchinference / bound", "", of_bound, Goal(AT_LEAST, 0.95), digits=2)
        yield Row(f"of-cpu-{name}", group, "its CPU time / the stages alone", "", of_cpu, digits=2)
        step = f"onnxinference, {name}"
        best = samples.facts.get(f"onnx/{name}", "")
        yield _because(samples, Row(f"onnx-{name}", group, "onnxinference", "fps", onnx, note=best), step)
        goal = Goal(AT_LEAST, network.over_onnx) if network.over_onnx else None
        over = Row(f"over-onnx-{name}", group, "torchinference / onnxinference", "", ratios(ours, onnx), goal, digits=2)
        yield _because(samples, over, step)
        if network.int8:
            step = f"int8 end to end, {name}"
            fast = values.get(f"int8/{name}/fps", [])
            how = "; ".join(dict.fromkeys(samples.facts.get(f"int8/{name}", [])))
            yield _because(samples, Row(f"int8-{name}", group, "torchinference, int8", "fps", fast, note=how), step)
            goal = Goal(AT_LEAST, network.int8_over_onnx) if network.int8_over_onnx else None
            title = "torchinference, int8 / onnxinference"
            yield Row(f"int8-over-onnx-{name}", group, title, "", ratios(fast, onnx), goal, digits=2)
            yield Row(
                f"int8-over-ours-{name}", group, "torchinference, int8 / float32", "", ratios(fast, ours), digits=2
            )


def _stream_rows(samples):
    for name in STREAM_NETWORKS:
        group = f"Many streams of 640x360 through one {name}"
        step = f"one stream and {STREAMS}, {name}"
        one, many = (samples.values.get(f"streams/{name}/{count}/fps", []) for count in (1, STREAMS))
        for count, found in ((1, one), (STREAMS, many)):
            title = "one stream" if count == 1 else f"{count} streams together"
            yield _because(samples, Row(f"streams-{count}-{name}", group, title, "fps", found), step)
        ratio = Row(
            f"streams-ratio-{name}",
            group,
            f"{STREAMS} streams / one",
            "",
            ratios(many, one),
            Goal(AT_LEAST, 0.95),
            digits=2,
        )
        yield _because(samples, ratio, step)


def _flow_rows(samples):
    def row(name, title, unit, key, goal=None, digits=0):
        made = _row(samples, name, group, title, unit, key, step=step, digits=digits)
        made.goal = goal
        return made

    group, step = f"A live 1080p camera at 25 fps, {LIVE_NETWORK}, a display", "live at 25 fps"
    yield row("live-dropped", "frames too late for the display", "", "live/dropped", Goal(AT_MOST, 0))
    yield row("live-frames", "frames", "", "live/received")
    yield row("live-skipped", "of them passed on without results", "", "live/skipped")
    yield row("live-latency", "latency of the pipeline", "ms", "live/pipeline-latency-ms")
    yield row("live-inference", "a frame's inference, median", "ms", "live/inference/p50-ms")

    group, step = (
        f"A live camera at twice the capacity, {LIVE_NETWORK}, overload-policy=skip",
        "live at twice the capacity",
    )
    yield row("capacity", "capacity", "fps", "capacity/fps", digits=1)
    yield row("overload-offered", "the camera's rate", "fps", "overload/offered-fps")
    yield row("overload-latency-p50", "latency from capture to sink, median", "ms", "overload/latency/p50-ms")
    yield row("overload-latency-p99", "99 % of the frames", "ms", "overload/latency/p99-ms")
    yield row("overload-latency-max", "largest latency", "ms", "overload/latency/max-ms", Goal(AT_MOST, 150))
    yield row("overload-in-element", "of that in the element, largest", "ms", "overload/in-element/max-ms")
    yield row("overload-before", "before it, largest: the camera is held up", "ms", "overload/before-element/max-ms")
    yield row("overload-frames", "frames", "", "overload/received")
    yield row("overload-inferred", "of them inferred", "", "overload/inferred")
    yield row("overload-lost", "lost", "", "overload/lost", Goal(AT_MOST, 0))
    yield row(
        "overload-not-counted", "neither inferred nor counted as skipped", "", "overload/not-counted", Goal(AT_MOST, 0)
    )

    group, step = "A flush while a forward runs", "flush"
    yield row("flush-forward", "the forward", "ms", "flush/forward-ms")
    yield row("flush-median", "FLUSH_START, median", "ms", "flush/p50-ms", digits=2)
    yield row("flush-max", "FLUSH_START, largest", "ms", "flush/max-ms", Goal(AT_MOST, 5), digits=2)

    group, step = "The plugin, beyond one element of GStreamer's core", "inspection"
    for key, title in (("inspection", "gst-inspect-1.0"), ("scan", "a scan of the registry")):
        yield row(f"{key}-time", f"{title}, time", "ms", f"{key}/ms", Goal(AT_MOST, 10), digits=1)
        yield row(f"{key}-memory", f"{title}, peak memory", "MB", f"{key}/mb", Goal(AT_MOST, 6), digits=1)


def _row(samples, name, group, title, unit, key, step=None, note="", digits=1):
    row = Row(name, group, title, unit, samples.values.get(key, []), note=note, digits=digits)
    return _because(samples, row, step) if step else row


def _because(samples, row, step):
    """Says why a row has no values."""
    if not row.values:
        row.note = samples.absent.get(step) or samples.failures.get(step) or row.note
    return row
