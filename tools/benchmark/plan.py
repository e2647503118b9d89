# SPDX-License-Identifier: LGPL-2.1-or-later
"""The steps of a run: what each starts, and the samples that it takes of what came out."""

import dataclasses
import pathlib
import re
import tempfile

from . import programs
from .networks import NETWORKS

STREAMS = 64
STREAM_NETWORKS = ("resnet18", "mobilenet_v3_small")
LIVE_NETWORK = "resnet18"
# A slow forward for the flush: a whole batch on one thread.
SLOW = "batch-size=8 workers=1 threads=1"
BATCHES = (1, 4, 8)

TO_TENSOR = "videoconvertscale {threads} ! video/x-raw,format=RGB,width=224,height=224"
ONNX = "onnxinference optimization-level=enable-all"
# Before GStreamer 1.28, which reads this from a file beside the model.
ONNX_INPUT = {"input-image-format": "chw", "input-tensor-offset": -117, "input-tensor-scale": 58}
# What can be tuned around onnxinference. The first round tries all, the others the best of them.
ONNX_VARIANTS = {
    "as it is": TO_TENSOR.format(threads=""),
    "a queue before it": TO_TENSOR.format(threads="") + " ! queue",
    "a queue, scaling on all cores": TO_TENSOR.format(threads="n-threads=0") + " ! queue",
}


def file_of(element):
    """The file of the plugin that has it."""
    printed = programs.output_of("gst-inspect-1.0", element)
    return re.search(r"Filename\s+(\S.*)", printed).group(1)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How long a run is."""

    rounds: int = 5
    skip: int = 60
    frames: int = 480
    forward_seconds: float = 1.5
    live_seconds: int = 60
    flushes: int = 10
    inspections: int = 10
    streams_skip: int = 256
    streams_frames: int = 512
    onnx_variants: int = 3
    meaningful: bool = True

    @classmethod
    def quick(cls):
        """Shows that everything works; the figures mean nothing."""
        return cls(1, 4, 16, 0.1, 2, 2, 2, 16, 32, 1, meaningful=False)


@dataclasses.dataclass(frozen=True)
class Step:
    """`run(samples)` takes one sample of each of its values and returns a line that says what came out."""

    name: str
    run: object


class Plan:
    """Makes the steps for a video, the networks' files and the settings."""

    def __init__(self, video, files, settings):
        self.decode = f"filesrc location={video} ! qtdemux ! h264parse ! avdec_h264"
        self.files = files
        self.live_model = files[LIVE_NETWORK].torchscript
        self.settings = settings

    def steps_of_round(self):
        """Those that every round repeats, in turn, so that whatever disturbs the machine disturbs them alike."""
        yield Step("decode alone", self.decode_alone)
        for name in ("bilinear", "bicubic"):
            yield Step(f"preprocess alone, {name}", lambda samples, name=name: self.preprocess_alone(samples, name))
        for kind, title in (
            (self.forward_alone, "forward alone"),
            (self.end_to_end, "end to end"),
            (self.onnxinference, "onnxinference"),
        ):
            for network in NETWORKS:
                step = lambda samples, kind=kind, name=network.name: kind(samples, name)  # noqa: E731
                yield Step(f"{title}, {network.name}", step)
        for network in NETWORKS:
            if network.int8:
                step = lambda samples, name=network.name: self.int8(samples, name)  # noqa: E731
                yield Step(f"int8 end to end, {network.name}", step)
        for name in STREAM_NETWORKS:
            yield Step(f"one stream and {STREAMS}, {name}", lambda samples, name=name: self.streams(samples, name))
        yield Step("flush", self.flush)
        yield Step("inspection", self.inspection)

    def steps_once(self):
        """Those that take their time, at the end."""
        yield Step("live at 25 fps", self.live)
        yield Step("live at twice the capacity", self.overload)

    @staticmethod
    def inference(model, properties=""):
        return f"torchinference name=inference model-file={model} {properties}"

    def flow(self, samples, key, line):
        found = programs.measure("pipeline_bench", self.settings.skip, self.settings.frames, line)
        samples.add(f"{key}/fps", found["fps"])
        samples.add(f"{key}/cpu-ms", found["cpu_ms"])
        return found

    def decode_alone(self, samples):
        found = self.flow(samples, "decode", f"{self.decode} ! fakesink sync=false")
        return f"{found['cpu_ms']:.2f} ms of CPU a frame, {found['fps']:.0f} fps"

    def preprocess_alone(self, samples, name):
        found = programs.measure("preprocess_bench", name)
        samples.add(f"preprocess/{name}/cpu-ms", found["cpu_ms"])
        samples.facts["cores"] = found["cores"]
        return f"{found['cpu_ms']:.2f} ms of CPU a frame"

    def forward_alone(self, samples, name):
        cores = samples.facts["cores"]
        arguments = [self.settings.forward_seconds, cores, 1, self.files[name].torchscript, *BATCHES]
        found = programs.measure("forward_bench", *arguments)
        for batch, rate in found.items():
            samples.add(f"forward/{name}/{batch}/fps", rate["fps"])
            samples.add(f"forward/{name}/{batch}/cpu-ms", rate["cpu_ms"])
        return ", ".join(f"batch {batch}: {rate['fps']:.1f} fps" for batch, rate in found.items())

    def end_to_end(self, samples, name):
        stats, said = self.through_torchinference(samples, f"end-to-end/{name}", self.files[name].torchscript)
        for stage in ("preprocess", "queue", "forward", "decode", "output-wait"):
            samples.add(f"end-to-end/{name}/{stage}-ms", stats[stage]["mean"] * 1e-6)
        return said

    def int8(self, samples, name):
        return self.through_torchinference(samples, f"int8/{name}", self.files[name].int8)[1]

    def through_torchinference(self, samples, key, model):
        """The element's statistics, and what came out in words."""
        found = self.flow(samples, key, f"{self.decode} ! {self.inference(model)} ! fakesink sync=false")
        stats = found["inference"][0]
        how = f"batches of {stats['batch-size']}, {stats['workers']} workers of {stats['threads']} threads"
        samples.facts.setdefault(key, []).append(how)
        return stats, f"{found['fps']:.1f} fps ({how})"

    def onnxinference(self, samples, name):
        try:
            described = programs.output_of("gst-inspect-1.0", "onnxinference")
        except programs.BenchError:
            samples.absent[f"onnxinference, {name}"] = "this GStreamer has no onnxinference"
            return samples.absent[f"onnxinference, {name}"]
        element = " ".join([ONNX, *(f"{key}={value}" for key, value in ONNX_INPUT.items() if key in described)])
        tried = [variant for variant in ONNX_VARIANTS if f"onnx/{name}/{variant}/fps" in samples.values]
        variants = list(ONNX_VARIANTS)[: self.settings.onnx_variants]
        if tried:
            variants = [max(tried, key=lambda variant: samples.values[f"onnx/{name}/{variant}/fps"][0])]
        for variant in variants:
            line = f"{self.decode} ! {ONNX_VARIANTS[variant]} ! {element} model-file={self.files[name].onnx}"
            self.flow(samples, f"onnx/{name}/{variant}", f"{line} ! fakesink sync=false")
        found = {variant: samples.values[f"onnx/{name}/{variant}/fps"] for variant in variants}
        samples.facts[f"onnx/{name}"] = best = max(found, key=lambda variant: found[variant][0])
        samples.add(f"onnx/{name}/fps", found[best][-1])
        return ", ".join(f"{variant}: {values[-1]:.1f} fps" for variant, values in found.items())

    def streams(self, samples, name):
        said = []
        source = "videotestsrc ! video/x-raw,format=I420,width=640,height=360,framerate=25/1"
        for count in (1, STREAMS):
            line = " ".join([f"{source} ! torchinference model-file={self.files[name].torchscript} ! fakesink"] * count)
            counts = self.settings.streams_skip, self.settings.streams_frames
            found = programs.measure("pipeline_bench", *counts, line)
            samples.add(f"streams/{name}/{count}/fps", found["fps"])
            said.append(f"{count}: {found['fps']:.1f} fps")
        return ", ".join(said)

    def flush(self, samples):
        source = "videotestsrc pattern=black ! video/x-raw,format=I420,width=1920,height=1080"
        line = f"{source} ! {self.inference(self.live_model, SLOW)} ! fakesink sync=false"
        found = programs.measure("flush_bench", self.settings.flushes, line)
        samples.add("flush/p50-ms", found["flush_start"]["p50"])
        samples.add("flush/max-ms", found["flush_start"]["max"])
        samples.add("flush/forward-ms", found["forward"])
        return f"at most {found['flush_start']['max']:.2f} ms while a forward of {found['forward']:.0f} ms runs"

    def inspection(self, samples):
        """What a program pays for the plugin that asks for one of its elements, and what a scan of the plugins costs
        more with it: beside an element of GStreamer's core."""
        found = {}
        inspect = {name: ("gst-inspect-1.0", name) for name in ("identity", "torchinference")}
        core = pathlib.Path(file_of("identity"))
        with tempfile.TemporaryDirectory() as folder:
            registry = pathlib.Path(folder) / "registry.bin"
            plugins = pathlib.Path(folder) / "plugins"
            plugins.mkdir()
            (plugins / core.name).symlink_to(core)
            scan = ["env", f"GST_REGISTRY={registry}", f"GST_PLUGIN_SYSTEM_PATH={plugins}"]
            ours = pathlib.Path(file_of("torchinference")).parent
            scans = {path: (*scan, f"GST_PLUGIN_PATH={path}", "gst-inspect-1.0", "identity") for path in ("", ours)}
            for _ in range(self.settings.inspections):
                for key, commands in (("inspection", inspect), ("scan", scans)):
                    for place, command in zip(("without", "with"), commands.values()):
                        registry.unlink(missing_ok=True)
                        cost = programs.measure("command_cost", *command)
                        found.setdefault((key, place), []).append(cost)
        return ", ".join(self.add_difference(samples, key, found) for key in ("inspection", "scan"))

    @staticmethod
    def add_difference(samples, key, found):
        """Between the least that each took: what else the machine does only adds."""
        more = {}
        for what in ("wall_ms", "peak_mb"):
            least = {place: min(cost[what] for cost in found[key, place]) for place in ("without", "with")}
            more[what] = least["with"] - least["without"]
        samples.add(f"{key}/ms", more["wall_ms"])
        samples.add(f"{key}/mb", more["peak_mb"])
        return f"{key}: {more['wall_ms']:.1f} ms and {more['peak_mb']:.1f} MB more"

    def live_run(self, key, samples, line):
        found = programs.measure("pipeline_bench", "live", self.settings.live_seconds, line)
        stats = found["inference"][0]
        for name in ("latency", "in_element", "before_element"):
            for part in ("p50", "p99", "max"):
                samples.add(f"{key}/{name.replace('_', '-')}/{part}-ms", found[name][part])
        samples.add(f"{key}/inference/p50-ms", stats["inference"]["p50"] * 1e-6)
        samples.add(f"{key}/received", stats["received"])
        samples.add(f"{key}/inferred", stats["inferred"])
        samples.add(f"{key}/skipped", stats["received"] - stats["inferred"])
        samples.add(f"{key}/lost", stats["received"] - found["arrived"])
        told = sum(stats[name] for name in ("inferred", "failed", "ineligible"))
        told += sum(stats[f"skipped-{why}"] for why in ("interval", "late", "overload"))
        samples.add(f"{key}/not-counted", abs(stats["received"] - told))
        return found, stats

    def live(self, samples):
        """As a camera and a display: the sink waits for each frame's time, and drops those that come too late."""
        source = "videotestsrc is-live=true ! video/x-raw,format=I420,width=1920,height=1080,framerate=25/1"
        sink = "fakesink sync=true qos=true max-lateness=5000000"
        found, stats = self.live_run("live", samples, f"{source} ! {self.inference(self.live_model)} ! {sink}")
        dropped = sum(sink["dropped"] for sink in found["sinks"])
        samples.add("live/dropped", dropped)
        samples.add("live/pipeline-latency-ms", found["pipeline_latency"])
        return f"{dropped} of {stats['received']} frames too late, {stats['inferred']} inferred"

    def overload(self, samples):
        size = "video/x-raw,format=I420,width=1920,height=1080"
        sink = "fakesink sync=false"
        line = f"videotestsrc pattern=black ! {size} ! {self.inference(self.live_model)} ! {sink}"
        capacity = self.flow(samples, "capacity", line)["fps"]
        rate = round(2 * capacity)
        source = f"videotestsrc is-live=true pattern=black ! {size},framerate={rate}/1"
        line = f"{source} ! {self.inference(self.live_model, 'overload-policy=skip')} ! {sink}"
        found, stats = self.live_run("overload", samples, line)
        samples.add("overload/offered-fps", rate)
        return (
            f"{rate} fps offered, latency p50 {found['latency']['p50']:.0f} ms, max {found['latency']['max']:.0f} ms, "
            f"{stats['inferred']} of {stats['received']} inferred"
        )
