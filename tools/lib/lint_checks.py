#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The checks of tools/lint, run inside the environment: lint_checks.py BUILD-FOLDER [--fix] [CHECK...]."""

import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lib"))
import sources  # noqa: E402
import tidy  # noqa: E402


def of_language(files, language):
    return [str(path) for path in files if sources.language_of(ROOT, path) == language]


def run(command):
    """Whether a program is content, and what it says."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        return False, f"{command[0]}: {error.strerror}; tools/packages.txt names its package"
    return done.returncode == 0, done.stdout


def check_format(files, options):
    """clang-format: how C++ is laid out (--fix does it)"""
    how = ["-i"] if options.fix else ["--dry-run", "-Werror"]
    return run(["clang-format", *how, *of_language(files, "cpp")])


def check_tidy(files, options):
    """clang-tidy: bugs and bad habits in C++"""
    return tidy.check(ROOT, options.build, files)


def check_shell(files, options):
    """shellcheck: bugs in shell scripts"""
    return run(["shellcheck", *of_language(files, "shell")])


def check_black(files, options):
    """black: how Python is laid out (--fix does it)"""
    how = [] if options.fix else ["--check", "--diff"]
    return run(["black", "--quiet", *how, *of_language(files, "python")])


def check_flake8(files, options):
    """flake8: bugs in Python"""
    return run(["flake8", *of_language(files, "python")])


def check_includes(files, options):
    """tools/check-includes: the direction of includes"""
    return run(["tools/check-includes"])


def check_tree(files, options):
    """tools/check-tree: licence lines, lengths, white space, notes, paths, hosts, links"""
    return run(["tools/check-tree"])


def check_checks(files, options):
    """that the two checks above can fail"""
    results = [run([f"tools/{name}", "--self-test"]) for name in ("check-includes", "check-tree")]
    return all(good for good, _ in results), "".join(text for _, text in results)


CHECKS = {
    "format": check_format,
    "shell": check_shell,
    "black": check_black,
    "flake8": check_flake8,
    "includes": check_includes,
    "tree": check_tree,
    "checks": check_checks,
    "tidy": check_tidy,
}


def arguments():
    listed = "".join(f"  {name:9} {check.__doc__}\n" for name, check in CHECKS.items())
    parser = argparse.ArgumentParser(
        prog="tools/lint",
        epilog="checks:\n" + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--fix", action="store_true", help="correct what a program can correct")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="all where none is named")
    options = parser.parse_args()
    unknown = set(options.checks) - set(CHECKS)
    if unknown:
        parser.error(f"no check is named {', '.join(sorted(unknown))}")
    options.build = ROOT / options.build
    return options


def main():
    options = arguments()
    files = sources.project_files(ROOT)
    passed = failed = 0
    for name in options.checks or CHECKS:
        start = time.monotonic()
        good, text = CHECKS[name](files, options)
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(text.rstrip())
        print(f"{'ok' if good else 'FAILED':6} {name} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
