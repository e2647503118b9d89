# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line: its options, their help, and how each value is read."""

import argparse
import fractions

DESCRIPTION = """\
Exports a PyTorch image classifier as a TorchScript file that torchinference runs as it is: what its user must know
(input size, resize policy, mean and standard deviation, activation, labels) travels inside the file.

NAME is a torchvision model (resnet18; --list prints them all) or a function or class of your own that makes the model
(package.module:function). Nothing is downloaded: without --weights a torchvision model has random weights."""

EPILOG = """\
examples:
  gst-torch-export resnet18 --weights resnet18.pth --output resnet18.pt
  gst-torch-export mypackage.nets:make_net --python-path ~/src --arg num_classes=12 --weights best.pth \\
      --input-size 240x320 --resize letterbox --mean 0.5 --std 0.25 --labels classes.txt --output net.pt

The saved file is loaded again and run beside the original before it gets its name.
exit status: 0 written; 1 the export is impossible; 2 wrong usage; 3 the saved model's output differs from the
original's, nothing written."""


def numbers(text):
    """`0.485,0.456,0.406` or `127/255`: a list of floats."""
    try:
        return [float(fractions.Fraction(item.strip())) for item in text.split(",")]
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0.485,0.456,0.406") from None


def size(text):
    """`224x224` or `224`: height and width."""
    parts = text.lower().split("x")
    try:
        values = [int(part) for part in parts]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or min(values) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, such as 224x224")
    return (values[0], values[-1])


def resize(text):
    """`short-side`, `short-side:256`, `squash`, `letterbox`: the policy and the short side or None."""
    policy, _, pixels = text.partition(":")
    if policy not in ("short-side", "squash", "letterbox") or (pixels and policy != "short-side"):
        raise argparse.ArgumentTypeError(f"{text!r} is none of short-side, short-side:PIXELS, squash, letterbox")
    if pixels and not (pixels.isdigit() and int(pixels) > 0):
        raise argparse.ArgumentTypeError(f"{pixels!r} is not a number of pixels")
    return policy, int(pixels) if pixels else None


def byte(text):
    if not (text.isdigit() and int(text) <= 255):
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..255")
    return int(text)


def tolerance(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..1")
    return value


def parser():
    main = argparse.ArgumentParser(
        prog="gst-torch-export",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument("name", metavar="NAME", nargs="?", help="torchvision model, or package.module:function")
    main.add_argument("--output", "-o", metavar="FILE", help="the TorchScript file to write")
    main.add_argument("--method", choices=("trace", "script"), default="trace", help="default: trace")
    main.add_argument("--list", action="store_true", help="print the torchvision models and leave")
    main.add_argument("--verbose", action="store_true", help="print the model info; show where Python failed")
    main.add_argument(
        "--tolerance",
        type=tolerance,
        default=1e-4,
        metavar="T",
        help="largest difference of the saved model's output from the original's, relative to the largest output; "
        "default: 1e-4",
    )
    main.add_argument("--keep-pads", action="store_true", help="do not fold explicit zero pads into convolutions")

    model = main.add_argument_group("the model")
    model.add_argument("--weights", metavar="FILE", help="state dict to load; every tensor must fit")
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
    image.add_argument("--color-order", choices=("rgb", "bgr", "gray"), default="rgb", help="default: rgb")
    image.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw", help="default: nchw")
    image.add_argument(
        "--pad-value",
        type=byte,
        default=114,
        metavar="N",
        help="grey of letterbox bars; default: 114",
    )

    output = main.add_argument_group("its output")
    output.add_argument(
        "--activation",
        choices=("softmax", "sigmoid", "none"),
        default="softmax",
        help="what makes scores of the output: softmax (default), sigmoid, none if the model has its own",
    )
    output.add_argument(
        "--labels",
        metavar="FILE|imagenet|none",
        help="one label a line, class 0 first; default: torchvision's where the number of classes is theirs, else none",
    )
    output.add_argument("--model-name", metavar="TEXT", help="name shown to people; default: NAME")
    return main
