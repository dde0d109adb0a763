"""The licences of the crates that are part of the program: their authors ask that these come with it."""

import json
import pathlib
import re
import subprocess
import sys

from project import cargo

NAMES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|UNLICENSE)([-_.].*)?", re.IGNORECASE)


def linked(target):
    """The packages that the program is built from: without what only tests need, and what only these turn on in others."""
    tree = ["tree", "--locked", "--prefix", "none", "--edges", "normal,build", "--target", target, "--format", "{p}"]
    lines = cargo(*tree, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    names = {tuple(line.split()[:2]) for line in lines if line}
    metadata = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    packages = json.loads(cargo(*metadata, stdout=subprocess.PIPE).stdout)["packages"]
    # The package itself has no source.
    found = [package for package in packages if package["source"] and (package["name"], f"v{package['version']}") in names]
    if len(found) != len(names) - 1:
        sys.exit("error: cargo tree names packages that cargo metadata does not have")
    return found


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.fullmatch(path.name)]
    return [path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip() for path in files]


def notices(target):
    """One text, with each licence once and the crates that it is of."""
    packages = sorted(linked(target), key=lambda package: (package["name"], package["version"]))
    lines = ["tfbackend is built from these crates.", ""]
    owners = {}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license']}, {package['repository'] or 'https://crates.io/crates/' + package['name']}")
        for text in texts(package):
            owners.setdefault(text, []).append(name)
    for text, names in owners.items():
        lines += ["", "-" * 80, ", ".join(dict.fromkeys(names)), "", text]
    return "\n".join(lines) + "\n"
