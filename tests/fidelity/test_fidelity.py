# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every frame of three real clips: what torchinference says is what PyTorch and torchvision say of that frame."""

import pathlib
import tempfile
import unittest

import media
import reference
from torch_export import model_info

# A frame's decision may fall the other way where two classes score alike; no more than that.
MOST_DISAGREEMENTS = 0.005
CLOSE_CALL = 0.01
SCORE_TOLERANCE = 2e-3
BATCH = 8


def decoded_with_results(clip, model, folder):
    """Runs a clip through torchinference. Returns its frames as decoded, their format, and the results' JSON."""
    raw, lines = folder / f"{clip.stem}.i420", folder / f"{clip.stem}.jsonl"
    printed = media.launch(
        *("filesrc", f"location={clip}", "!", "decodebin3", "!", "video/x-raw,format=I420", "!", "tee", "name=t"),
        *("t.", "!", "queue", "!", "filesink", f"location={raw}"),
        *("t.", "!", "queue", "!", "torchinference", f"model-file={model}", "top-k=5", "!"),
        *("analyticsjson", "!", "filesink", f"location={lines}"),
    )
    frames = reference.frames_from_caps(media.raw_caps(printed, "I420"))
    return raw, frames, media.json_lines(lines)


class Comparison:
    """Of one clip: how many frames, how many decided otherwise and how closely, how far scores are apart."""

    def __init__(self, labels):
        self.frames = 0
        self.disagreements = []  # by how much the reference prefers its own
        self.largest_difference = 0.0
        self._labels = labels

    def add(self, scores, line):
        """`scores` of the reference for the frame of which `line` is the element's JSON."""
        self.frames += 1
        classes = line["analyses"][0]["classes"]
        ours = self._label_score(scores, classes[0]["label"])
        if self._labels[int(scores.argmax())] != classes[0]["label"]:
            self.disagreements.append(float(scores.max()) - ours)
        for entry in classes:
            difference = abs(self._label_score(scores, entry["label"], entry["score"]) - entry["score"])
            self.largest_difference = max(self.largest_difference, difference)

    def _label_score(self, scores, label, near=1.0):
        # ImageNet has two classes "crane" and two "maillot": of such the one whose score is nearest is meant.
        candidates = [float(scores[i]) for i, name in enumerate(self._labels) if name == label]
        return min(candidates, key=lambda score: abs(score - near))


class Fidelity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.assets = media.assets()
        cls.model = media.demo_model()
        cls.reference = reference.Reference(cls.assets)
        cls.labels = model_info.imagenet_labels()

    def compare(self, name, frame_count):
        comparison = Comparison(self.labels)
        with tempfile.TemporaryDirectory() as folder:
            clip = self.assets / "clips" / f"{name}.mp4"
            raw, frames, lines = decoded_with_results(clip, self.model, pathlib.Path(folder))
            self.assertEqual(len(lines), frame_count)
            with open(raw, "rb") as file:
                for start in range(0, frame_count, BATCH):
                    batch = [file.read(frames.size) for _ in lines[start : start + BATCH]]
                    for scores, line in zip(self.reference.scores(batch, frames), lines[start:]):
                        comparison.add(scores, line)
                self.assertEqual(file.read(1), b"")
        closest = f", by at most {max(comparison.disagreements):.5f}" if comparison.disagreements else ""
        print(
            f"{name}: {frame_count} frames, {len(comparison.disagreements)} with another best class{closest}; "
            f"largest difference of a score {comparison.largest_difference:.6f}",
            flush=True,
        )
        self.assertLessEqual(len(comparison.disagreements), MOST_DISAGREEMENTS * frame_count)
        self.assertLessEqual(max(comparison.disagreements, default=0.0), CLOSE_CALL)
        self.assertLessEqual(comparison.largest_difference, SCORE_TOLERANCE)

    def test_bikes_bt601_downscaled(self):
        self.compare("bikes", 250)

    def test_carphone_bt601_upscaled(self):
        self.compare("carphone", 120)

    def test_bigbuckbunny_bt709_downscaled(self):
        self.compare("bigbuckbunny", 132)
