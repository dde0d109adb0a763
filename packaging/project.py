"""What the programs of this folder know of the package: Cargo.toml, and targets.json for what is released."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cargo(*args, **more):
    return subprocess.run([os.environ.get("CARGO", "cargo"), *args], cwd=ROOT, check=True, **more)


@functools.cache
def package():
    """The `[package]` of Cargo.toml, and the folder that cargo builds in."""
    output = cargo("metadata", "--no-deps", "--locked", "--offline", "--format-version", "1", stdout=subprocess.PIPE).stdout
    metadata = json.loads(output)
    return {**metadata["packages"][0], "target_directory": metadata["target_directory"]}


@functools.cache
def data():
    return json.loads((ROOT / "packaging/targets.json").read_text())


def is_windows(target):
    return "-windows-" in target


def program(target):
    return "tfbackend.exe" if is_windows(target) else "tfbackend"


def folder(target):
    return f"tfbackend-{package()['version']}-{target}"


def archive(target):
    return folder(target) + (".zip" if is_windows(target) else ".tar.gz")


def sbom(target):
    return folder(target) + ".cdx.json"


def url(name):
    """Where a file of the release of this version is downloaded."""
    return f"{package()['repository']}/releases/download/v{package()['version']}/{name}"


def notes():
    """The section of CHANGELOG.md about this version, without its heading."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.escape(package()["version"])
    section = re.search(rf"^## {version} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not section:
        sys.exit(f"error: CHANGELOG.md has no dated section for {package()['version']}")
    return section[1].strip() + "\n"


def check_tag(tag):
    """A release has the name of its version, and CHANGELOG.md says what is in it."""
    if tag != f"v{package()['version']}":
        sys.exit(f"error: the tag {tag} is not the version of Cargo.toml (expected: v{package()['version']})")
    notes()


def main():
    match sys.argv[1:]:
        case ["toolchain"]:
            print(data()["toolchain"])
        case ["archives"]:
            print(*map(archive, data()["targets"]), sep="\n")
        case ["notes"]:
            sys.stdout.write(notes())
        case ["check-tag", tag]:
            check_tag(tag)
        case _:
            sys.exit("usage: project.py toolchain | archives | notes | check-tag TAG")


if __name__ == "__main__":
    main()
