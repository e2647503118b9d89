# SPDX-License-Identifier: LGPL-2.1-or-later
"""The video that is measured with: the real clips side by side, as one of 1920x1080.

The clips themselves are small, and what a decoder and a preprocessor cost goes by the size of the frame.
"""

import hashlib
import os
import pathlib
import subprocess
import tempfile

import numpy

from . import programs

FRAMES = 600
RATE = 25
WIDTH, HEIGHT = 1920, 1080
# What a camera of this size sends. Enlarged clips alone would make far less, and an easy job of decoding.
KILOBITS = 7400
TILES = ("bikes", "bigbuckbunny", "carphone", "bikes")


def path(assets):
    """The file, made if it is not there yet."""
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    video = assets / "bench" / f"mosaic-{key}.mp4"
    if not video.is_file():
        video.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=video.parent) as folder:
            new = pathlib.Path(folder) / "new.mp4"
            _make(assets, pathlib.Path(folder), new)
            os.replace(new, video)
    return video


def _make(assets, folder, target):
    clips = {name: _decode(assets / "clips" / f"{name}.mp4", folder / f"{name}.raw") for name in set(TILES)}
    caps = f"format=i420 width={WIDTH} height={HEIGHT} framerate={RATE}/1"
    encode = f"x264enc speed-preset=veryfast key-int-max={2 * RATE} bitrate={KILOBITS}"
    line = (
        f"fdsrc fd=0 blocksize={WIDTH * HEIGHT * 3 // 2} ! rawvideoparse {caps} ! {encode} ! video/x-h264,profile=high"
    )
    line += f" ! h264parse ! mp4mux ! filesink location={target}"
    with subprocess.Popen(
        ["gst-launch-1.0", "-q", *line.split()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as encoder:
        try:
            for frame in _frames(clips):
                encoder.stdin.write(frame)
            encoder.stdin.close()
        except BrokenPipeError:
            pass  # what it says is told below
        said = encoder.stdout.read().decode(errors="replace")
    if encoder.returncode != 0 or not target.is_file():
        raise programs.BenchError(f"the video for the measurements could not be made:\n{said}")


def _decode(clip, raw):
    """The clip's frames at a tile's size: an array of I420 frames."""
    width, height = WIDTH // 2, HEIGHT // 2
    line = f"filesrc location={clip} ! decodebin3 ! videoconvertscale"
    line += f" ! video/x-raw,format=I420,width={width},height={height} ! filesink location={raw}"
    programs.output_of("gst-launch-1.0", "-q", *line.split())
    return numpy.memmap(raw, dtype=numpy.uint8, mode="r").reshape(-1, width * height * 3 // 2)


def _planes(frame, width, height):
    luma, chroma = width * height, width * height // 4
    yield frame[:luma].reshape(height, width)
    yield frame[luma : luma + chroma].reshape(height // 2, width // 2)
    yield frame[luma + chroma :].reshape(height // 2, width // 2)


def _frames(clips):
    random = numpy.random.default_rng(1)
    # As faint as a good sensor's; without any, enlarged clips have flat areas that no camera sees.
    noise = random.integers(-2, 3, size=(8, HEIGHT, WIDTH), dtype=numpy.int16)
    picture = numpy.empty(WIDTH * HEIGHT * 3 // 2, dtype=numpy.uint8)
    for number in range(FRAMES):
        for position, name in enumerate(TILES):
            frames = clips[name]
            # To and fro, so that the motion never jumps.
            step = number % (2 * len(frames) - 2)
            tile = frames[min(step, 2 * len(frames) - 2 - step)]
            for whole, part in zip(_planes(picture, WIDTH, HEIGHT), _planes(tile, WIDTH // 2, HEIGHT // 2)):
                if position == 3:
                    part = part[:, ::-1]
                height, width = part.shape
                y, x = height * (position // 2), width * (position % 2)
                whole[y : y + height, x : x + width] = part
        luma = next(_planes(picture, WIDTH, HEIGHT))
        luma[:] = numpy.clip(luma + noise[number % len(noise)], 0, 255)
        yield picture.tobytes()
