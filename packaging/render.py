"""Fills templates/ with the version, the addresses and the checksums of a release: Homebrew, Scoop, Docker and Nix.

render.py --sums SHA256SUMS --out DIR
"""

import argparse
import pathlib
import re
import sys

import pack
import project

TEMPLATES = project.ROOT / "packaging/templates"


def read_sums(path):
    """Checksums by the name of the file."""
    lines = [line.split() for line in path.read_text().splitlines()]
    if not lines or any(len(line) != 2 or not re.fullmatch("[0-9a-f]{64}", line[0]) for line in lines):
        sys.exit(f"error: {path} is not what sha256sum writes")
    return {name: digest for digest, name in lines}


def value(words, sums):
    """What stands for `{{ words }}`: a field of Cargo.toml, or something of the archive for a target."""
    match words:
        case ["sha256", target] if target in project.data()["targets"]:
            name = project.archive(target)
            return sums.get(name) or sys.exit(f"error: there is no checksum of {name}")
        case ["url", target] if target in project.data()["targets"]:
            return project.url(project.archive(target))
        case ["folder", target] if target in project.data()["targets"]:
            return project.folder(target)
        case ["version" | "description" | "homepage" | "repository" as field]:
            return project.package()[field]
    sys.exit(f"error: a template has {{{{ {' '.join(words)} }}}}, which is unknown")


def render(template, sums):
    return re.sub(r"\{\{ (.*?) \}\}", lambda found: value(found[1].split(), sums), template)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sums", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    sums = read_sums(args.sums)
    rendered = {path.name: render(path.read_text(), sums) for path in sorted(TEMPLATES.iterdir())}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in rendered.items():
        pack.write(args.out / name, text.encode())


if __name__ == "__main__":
    main()
