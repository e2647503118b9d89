# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line: its options, their help, and how each value is read."""

import argparse
import fractions
import sys

DESCRIPTION = """\
Exports a PyTorch image classifier as a TorchScript file that torchinference runs as it is: what its user must know
(input size, resize policy, mean and standard deviation, activation, labels) travels inside the file.

NAME is a torchvision model (resnet18; --list prints them all), a function or class of your own that makes the model
(package.module:function), or a TorchScript file to be packed again with labels and model info. Nothing is downloaded:
without --weights a torchvision model has random weights."""

EPILOG = """\
examples:
  gst-torch-export resnet18 --weights resnet18.pth --output resnet18.pt
  gst-torch-export mypackage.nets:make_net --python-path ~/src --arg num_classes=12 --weights best.pth \\
      --input-size 240x320 --resize letterbox --mean 0.5 --std 0.25 --labels classes.txt --output net.pt
  gst-torch-export resnet18 --weights resnet18.pth --int8 --calibrate monday.mp4 tuesday.mp4 \\
      --check-with wednesday.mp4 --output resnet18-int8.pt
  gst-torch-export net.pt --labels classes.txt --mean 0.5 --std 0.25 --output net-with-labels.pt

The saved file is loaded again and run beside the original before it gets its name.
exit status: 0 written; 1 the export is impossible; 2 wrong usage; 3 the saved model's output differs from the
original's, or int8 agrees too seldom: nothing is written."""

LARGEST_SIDE = 16384  # pixels; what model infos may say


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the other programs do."""

    def error(self, message):
        print(f"{self.prog}: {message} (--help explains)", file=sys.stderr)
        sys.exit(2)


def numbers(text):
    """`0.485,0.456,0.406` or `127/255`: a list of floats."""
    try:
        return [float(fractions.Fraction(item.strip())) for item in text.split(",")]
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0.485,0.456,0.406") from None


def size(text):
    """`224x224` or `224`: height and width."""
    parts = text.lower().split("x")
    try:
        values = [int(part) for part in parts]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or min(values) < 1 or max(values) > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, such as 224x224, of at most {LARGEST_SIDE}")
    return (values[0], values[-1])


def resize(text):
    """`short-side`, `short-side:256`, `squash`, `letterbox`: the policy and the short side or None."""
    policy, _, pixels = text.partition(":")
    if policy not in ("short-side", "squash", "letterbox") or (pixels and policy != "short-side"):
        raise argparse.ArgumentTypeError(f"{text!r} is none of short-side, short-side:PIXELS, squash, letterbox")
    if pixels and not (pixels.isdigit() and int(pixels) > 0):
        raise argparse.ArgumentTypeError(f"{pixels!r} is not a number of pixels")
    return policy, int(pixels) if pixels else None


def name(text):
    """One line that can be read."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is empty or has characters that cannot be printed")
    return text


def path(text):
    """What a variable that is not set becomes is none."""
    if not text:
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return text


def byte(text):
    if not (text.isdigit() and int(text) <= 255):
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..255")
    return int(text)


def count(text):
    if not (text.isdigit() and 2 <= int(text) <= 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not in 2..65536")
    return int(text)


def share(text):
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..1")
    return value


def tolerance(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..1")
    return value


def parser():
    main = Parser(
        prog="gst-torch-export",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument(
        "name", metavar="NAME", nargs="?", help="torchvision model, package.module:function, or TorchScript file"
    )
    main.add_argument("--output", "-o", type=path, metavar="FILE", help="the TorchScript file to write")
    main.add_argument("--method", choices=("trace", "script"), default="trace", help="default: trace")
    main.add_argument("--list", action="store_true", help="print the torchvision models and leave")
    main.add_argument("--verbose", action="store_true", help="print the model info; show where Python failed")
    main.add_argument(
        "--tolerance",
        type=tolerance,
        metavar="T",
        help="largest difference of the saved model's output from the original's, relative to the largest output; "
        "default: 1e-4, with --precision 5e-2",
    )
    main.add_argument(
        "--check-with",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="pictures or clips: what was saved is compared with the original on frames of them, too; with --int8 "
        "these judge",
    )
    main.add_argument(
        "--frames",
        type=count,
        default=48,
        metavar="N",
        help="frames to calibrate on, together, and to check with of each file; default: 48",
    )

    passes = main.add_argument_group("what is changed, each with a report of what it gains")
    passes.add_argument("--keep-pads", action="store_true", help="do not fold explicit zero pads into convolutions")
    passes.add_argument("--keep-batch-norms", action="store_true", help="do not fold batch norms into convolutions")
    passes.add_argument("--channels-last", action="store_true", help="channels last in memory, if that is faster")
    passes.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), default="fp32", help="of the weights; default: fp32"
    )
    passes.add_argument(
        "--bytes",
        action="store_true",
        help="the model takes uint8 NHWC and scales by mean and std itself; --int8 does so anyway",
    )
    passes.add_argument("--int8", action="store_true", help="quantise to 8 bits, for CPUs with VNNI; with --calibrate")
    passes.add_argument(
        "--calibrate",
        nargs="+",
        action="extend",
        default=[],
        metavar="CLIP",
        help="clips or pictures like those that the model will see; without --check-with the last fifth of each judges",
    )
    passes.add_argument(
        "--min-agreement",
        type=share,
        default=0.95,
        metavar="X",
        help="int8 must have float32's best class for this part of the held-out frames for which float32's score is "
        "above 0.3, or nothing is written; default: 0.95",
    )

    model = main.add_argument_group("the model")
    model.add_argument("--weights", type=path, metavar="FILE", help="state dict to load; every tensor must fit")
    model.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="[KEY=]VALUE",
        help="argument for the function that makes the model; may be repeated",
    )
    model.add_argument(
        "--python-path",
        action="append",
        default=[],
        metavar="FOLDER",
        help="where package is looked for first",
    )

    image = main.add_argument_group(
        "its input (defaults: what torchvision publishes for the model; for a function of yours 224x224, "
        "short-side by the usual 8/7, bilinear, and mean and std must be given)"
    )
    image.add_argument("--input-size", type=size, metavar="HxW", help="height and width of the model's input")
    image.add_argument(
        "--resize",
        type=resize,
        metavar="POLICY",
        help="short-side[:PIXELS] keeps the aspect and crops the centre, squash does not keep it, letterbox adds bars",
    )
    image.add_argument("--interpolation", choices=("bilinear", "bicubic"), help="both antialiased")
    image.add_argument(
        "--mean",
        type=numbers,
        metavar="M[,M,M]",
        help="of channel values scaled to 0..1; 127/255 is understood",
    )
    image.add_argument("--std", type=numbers, metavar="S[,S,S]", help="likewise; --mean 0 --std 1/255 gives 0..255")
    image.add_argument("--color-order", choices=("rgb", "bgr", "gray"), help="default: rgb")
    image.add_argument("--layout", choices=("nchw", "nhwc"), help="default: nchw")
    image.add_argument(
        "--pad-value",
        type=byte,
        metavar="N",
        help="grey of letterbox bars; default: 114",
    )

    output = main.add_argument_group("its output")
    output.add_argument(
        "--activation",
        choices=("softmax", "sigmoid", "none"),
        help="what makes scores of the output: softmax (default), sigmoid, none if the model has its own",
    )
    output.add_argument(
        "--labels",
        type=path,
        metavar="FILE|imagenet|none",
        help="one label a line, class 0 first; default: torchvision's where the number of classes is theirs, else none",
    )
    output.add_argument("--model-name", type=name, metavar="TEXT", help="name shown to people; default: NAME")
    return main
