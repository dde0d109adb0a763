"""The licences of the crates that are part of the program: their authors ask that these come with it."""

import json
import pathlib
import re
import subprocess

from project import cargo

NAMES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|UNLICENSE)([-_.].*)?", re.IGNORECASE)


def linked(metadata):
    """The packages that are built for the program: dependencies of it and of its dependencies, without those of tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, left = set(), [metadata["resolve"]["root"]]
    while left:
        here = left.pop()
        if here not in seen:
            seen.add(here)
            left += [part["pkg"] for part in nodes[here]["deps"] if any(kind["kind"] != "dev" for kind in part["dep_kinds"])]
    return [package for package in metadata["packages"] if package["id"] in seen and package["source"]]


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.fullmatch(path.name)]
    return [path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip() for path in files]


def notices(target):
    """One text, with each licence once and the crates that it is of."""
    command = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    packages = linked(json.loads(cargo(*command, stdout=subprocess.PIPE).stdout))
    packages.sort(key=lambda package: (package["name"], package["version"]))
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
