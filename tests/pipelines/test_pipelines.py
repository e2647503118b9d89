# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file in pipelines/ on something real: it ends by itself, and what it promises is there."""

import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from collections import Counter

import media
import numpy
from torch_export import model_info

FRAMES = {"bikes": 250, "bigbuckbunny": 132, "carphone": 120}


def decode_gray(path, width, height):
    """A video's luma as an array [frames, height, width]."""
    with tempfile.NamedTemporaryFile() as raw:
        caps = f"video/x-raw,format=GRAY8,width={width},height={height}"
        source = ("filesrc", f"location={path}", "!", "decodebin3", "!", "videoconvertscale")
        media.launch(*source, "!", caps, "!", "filesink", f"location={raw.name}")
        data = numpy.fromfile(raw.name, dtype=numpy.uint8)
    return data.reshape(-1, height, width)


class PipelineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = str(media.demo_model())
        cls.clips = {name: str(media.assets() / "clips" / f"{name}.mp4") for name in FRAMES}
        cls.labels = set(model_info.imagenet_labels())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.output = str(self.folder / "result")

    def run_pipeline(self, name, *arguments, timeout=240, status=0):
        """Runs pipelines/NAME.sh from a folder that is not the clone; returns what it printed."""
        environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
        done = subprocess.run(
            [str(media.ROOT / "pipelines" / f"{name}.sh"), *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def results(self, path, frame_count, size):
        """The JSON lines, which must be one for each frame, in order, with real labels."""
        lines = media.json_lines(path)
        self.assertEqual([line["frame"] for line in lines], list(range(frame_count)))
        for line in lines:
            self.assertEqual((line["size"]["width"], line["size"]["height"]), size)
            for analysis in line["analyses"]:
                scores = [entry["score"] for entry in analysis["classes"]]
                self.assertEqual(scores, sorted(scores, reverse=True))
                self.assertLessEqual({entry["label"] for entry in analysis["classes"]}, self.labels)
        return lines


class ClassifyFile(PipelineTest):
    def test_every_frame_is_labelled_in_the_picture_and_in_the_json(self):
        self.run_pipeline("classify-file", self.clips["bikes"], self.model, self.output)
        lines = self.results(f"{self.output}.jsonl", FRAMES["bikes"], (640, 272))
        self.assertTrue(all(line["analysed"] for line in lines))
        self.assertEqual({len(line["analyses"][0]["classes"]) for line in lines}, {5})
        plain = decode_gray(self.clips["bikes"], 640, 272).astype(int)
        drawn = decode_gray(f"{self.output}.mp4", 640, 272).astype(int)
        self.assertEqual(drawn.shape, plain.shape)
        # What the encoder changes is small; a label's letters on their ground are not.
        for before, after in zip(plain, drawn):
            self.assertGreater(numpy.count_nonzero(abs(after - before) > 50), 200)

    def test_ctrl_c_leaves_a_video_that_can_be_played(self):
        command = [
            str(media.ROOT / "pipelines" / "classify-file.sh"),
            self.clips["bigbuckbunny"],
            self.model,
            self.output,
        ]
        lines = pathlib.Path(f"{self.output}.jsonl")
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2400):
            if run.poll() is not None or (lines.exists() and lines.stat().st_size > 0):
                break
            time.sleep(0.05)
        self.assertIsNone(run.poll(), "ended before it was interrupted")
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, errors)
        written = media.json_lines(lines)
        self.assertLess(len(written), FRAMES["bigbuckbunny"])
        self.assertEqual(len(decode_gray(f"{self.output}.mp4", 1280, 720)), len(written))

    def test_a_run_at_a_time_writes_an_output(self):
        with open(f"{self.output}.jsonl", "w") as earlier:
            fcntl.flock(earlier, fcntl.LOCK_EX)
            printed = self.run_pipeline("classify-file", self.clips["bikes"], self.model, self.output, status=2)
        self.assertIn("another run writes", printed)


class WrongFiles(PipelineTest):
    """Refused with one line before anything is written."""

    def test_an_input_is_never_written(self):
        video = self.folder / "holiday.mp4"
        content = pathlib.Path(self.clips["bikes"]).read_bytes()
        video.write_bytes(content)
        os.link(video, self.folder / "walls.mp4")
        for name, arguments in (
            ("classify-file", (str(video), self.model, "holiday")),
            ("classify-many-streams", (self.model, "walls", *4 * [str(video)])),
        ):
            with self.subTest(pipeline=name):
                printed = self.run_pipeline(name, *arguments, status=2)
                self.assertIn("would be written, and is an input", printed)
                self.assertEqual(printed.count("\n"), 1, printed)
                self.assertEqual(video.read_bytes(), content)

    def test_a_wrong_video_or_model_leaves_earlier_results_alone(self):
        empty = self.folder / "empty.mp4"
        empty.touch()
        clip = self.clips["bikes"]
        results = [self.folder / f"result{end}" for end in (".mp4", ".jsonl", "-0.jsonl", "-3.jsonl")]
        for path in results:
            path.write_text("earlier")
        for video, model, text in (
            (str(empty), self.model, f'VIDEO "{empty}" is empty'),
            ("no-such.mp4", self.model, 'VIDEO "no-such.mp4" does not exist'),
            (str(self.folder), self.model, "is no regular file"),
            (f"file://{clip}", self.model, "is a URI; a file's path is wanted"),
            (clip, "no-such.pt", 'MODEL "no-such.pt" does not exist'),
            (clip, str(empty), f'MODEL "{empty}" is empty'),
        ):
            for name, arguments in (
                ("classify-file", (video, model, self.output)),
                ("classify-many-streams", (model, self.output, clip, clip, clip, video)),
                ("throughput", (video, model, "4", self.output)),
            ):
                with self.subTest(pipeline=name, text=text):
                    printed = self.run_pipeline(name, *arguments, status=2)
                    self.assertIn(text, printed)
                    self.assertEqual(printed.count("\n"), 1, printed)
        self.assertEqual({path.read_text() for path in results}, {"earlier"})

    def test_without_gstreamer_they_say_how_to_be_run(self):
        os.symlink(shutil.which("dirname"), self.folder / "dirname")
        for script in sorted((media.ROOT / "pipelines").glob("*.sh")):
            with self.subTest(script=script.name):
                command = ["/bin/bash", str(script), "rtsp://127.0.0.1/"]
                environment = {"PATH": str(self.folder)}
                done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f"run this as tools/env pipelines/{script.name}", done.stderr)


class ClassifyCamera(PipelineTest):
    def test_no_frame_is_lost_whatever_the_model_has_time_for(self):
        self.run_pipeline("classify-camera", "test", self.model, self.output, "60")
        lines = self.results(f"{self.output}.jsonl", 60, (320, 240))
        self.assertTrue(any(line["analysed"] for line in lines))
        self.assertEqual({line["stream_id"] for line in lines}, {"camera"})


class ClassifyRtsp(PipelineTest):
    def serve(self, *paths):
        """A network camera; returns its URL without a path, such as rtsp://127.0.0.1:8554."""
        server = subprocess.Popen(
            [os.environ["RTSP_CLIP_SERVER"], self.clips["carphone"], *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def end():
            server.stdin.close()
            self.assertEqual(server.wait(timeout=120), 0)
            server.stdout.close()

        self.addCleanup(end)
        url = server.stdout.readline().strip()
        self.assertTrue(url.startswith("rtsp://127.0.0.1:"), url)
        return url

    def test_without_a_camera_it_says_how_it_is_used(self):
        self.assertIn("usage: classify-rtsp.sh URL", self.run_pipeline("classify-rtsp", status=2))

    def test_frames_of_a_network_camera_carry_the_cameras_time(self):
        # All over one TCP connection: of UDP's packets one may be lost even on the loopback
        # interface, and where it was the one that says goodbye, there is no end to wait for.
        url = self.serve("/clip").replace("rtsp:", "rtspt:") + "/clip"
        self.run_pipeline("classify-rtsp", url, self.model, self.output, "200", "door")
        lines = media.json_lines(f"{self.output}.jsonl")
        self.assertGreater(len(lines), 0.8 * FRAMES["carphone"])
        self.assertTrue(any(line["analysed"] for line in lines))
        sources = Counter(line["wall_clock"]["source"] for line in lines)
        self.assertGreater(sources["ntp"], 0, sources)
        self.assertEqual({line["stream_id"] for line in lines}, {"door"})

    def test_no_secret_of_the_url_gets_into_the_lines(self):
        in_path = "/user=someone&password=secret"
        camera = self.serve("/", "/clip", in_path).removeprefix("rtsp://")
        for address, stream in (
            (f"someone:secret@{camera}", camera),
            (f"someone:secret@{camera}/clip?token=secret", "clip"),
            (f"{camera}{in_path}", camera),
        ):
            with self.subTest(address=address):
                self.run_pipeline("classify-rtsp", f"rtspt://{address}", self.model, self.output)
                lines = media.json_lines(f"{self.output}.jsonl")
                self.assertEqual({line["stream_id"] for line in lines}, {stream})
                for word in ("someone", "secret"):
                    self.assertNotIn(word, pathlib.Path(f"{self.output}.jsonl").read_text())


class ClassifyManyStreams(PipelineTest):
    def test_four_videos_share_one_engine_and_one_wall(self):
        names = ["bikes", "bigbuckbunny", "carphone", "bikes"]
        sizes = {"bikes": (640, 272), "bigbuckbunny": (1280, 720), "carphone": (176, 144)}
        self.run_pipeline("classify-many-streams", self.model, self.output, *[self.clips[name] for name in names])
        streams_of_batch = {}
        for i, name in enumerate(names):
            lines = self.results(f"{self.output}-{i}.jsonl", FRAMES[name], sizes[name])
            for line in lines:
                self.assertEqual(line["stream_id"], f"stream-{i}")
                self.assertTrue(line["analysed"])
                batch = line["analyses"][0]["batch"]["id"]
                streams_of_batch.setdefault(batch, set()).add(i)
        # Frames of several streams in one batch: there is one engine and not four.
        self.assertGreater(max(len(streams) for streams in streams_of_batch.values()), 1)
        wall = decode_gray(f"{self.output}.mp4", 1280, 720)
        self.assertGreaterEqual(len(wall), FRAMES["bikes"])
        for y in (0, 360):
            for x in (0, 640):
                self.assertGreater(wall[10, y : y + 360, x : x + 640].std(), 10)

    def test_another_number_of_videos_is_wrong_usage(self):
        printed = self.run_pipeline("classify-many-streams", self.model, self.output, "a", "b", status=2)
        self.assertIn("four videos are wanted, 2 given", printed)


class Throughput(PipelineTest):
    def test_it_says_frames_a_second_batches_and_latency(self):
        printed = self.run_pipeline("throughput", self.clips["bikes"], self.model, "4", self.output)
        self.assertIn("frames   250 of 640x272, 250 analysed", printed)
        for word in ("frames/s", "batches", "latency  p50", "labels"):
            self.assertIn(word, printed)


class Demo(PipelineTest):
    def test_it_leaves_labelled_videos_json_lines_and_contact_sheets(self):
        done = subprocess.run(
            [str(media.ROOT / "tools" / "demo"), str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        for name, size in (("bikes", (640, 272)), ("bigbuckbunny", (1280, 720))):
            lines = self.results(self.folder / f"{name}.jsonl", FRAMES[name], size)
            self.assertTrue(all(line["analysed"] for line in lines))
            self.assertEqual(len(decode_gray(self.folder / f"{name}.mp4", *size)), FRAMES[name])
            self.assertTrue((self.folder / f"{name}.png").read_bytes().startswith(b"\x89PNG"))
            self.assertIn(f"frames   {FRAMES[name]} of", done.stdout)
        self.assertIn("tools/env gst-launch-1.0 -e filesrc", done.stdout)
        self.assertNotIn("\033", done.stdout)


class Report(PipelineTest):
    def report(self, *arguments):
        return subprocess.run(["gst-torch-report", *arguments], capture_output=True, text=True, check=False)

    def test_its_exit_status_tells_wrong_usage_from_files_that_cannot_be_read(self):
        lines = self.folder / "text.jsonl"
        lines.write_text("no JSON\n")
        for arguments, status, text in (
            ((), 2, "name a file of JSON lines"),
            (("a.jsonl", "--sheet", "b.png"), 2, "--video and --sheet go together"),
            (("a.jsonl", "b.jsonl", "--video", "c.mp4", "--sheet", "b.png"), 2, "one file of JSON lines"),
            (
                ("a", "-v", "b", "-s", "c.png", "--columns", "20", "--rows", "100", "--tile-width", "4096"),
                2,
                "too large",
            ),
            (("a.jsonl", "--video", "c.mp4", "--sheet", "b.txt"), 1, "name it .png"),
            (("/no/such.jsonl",), 1, "/no/such.jsonl: No such file"),
            ((str(lines),), 1, "line 1 is not a line of analyticsjson"),
            ((str(self.folder),), 1, "is a folder"),
        ):
            with self.subTest(arguments=arguments):
                done = self.report(*arguments)
                self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
                self.assertIn(text, done.stderr)

    def test_a_sheet_takes_the_place_of_nothing_that_is_read(self):
        picture = self.folder / "video.png"
        picture.write_bytes(b"picture")
        done = self.report("a.jsonl", "--video", str(picture), "--sheet", str(picture))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is read and would be lost", done.stderr)
        self.assertEqual(picture.read_bytes(), b"picture")
