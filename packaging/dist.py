"""Builds the program as it is released, for this machine: into DIR, the archive, its list of components and SHA256SUMS.

dist.py build [--target TARGET] [--out DIR]   [default: target/dist]
dist.py check [--target TARGET]               builds it again, in a copy of the source elsewhere, and compares all bytes

The program contains neither the time nor a path of the machine that builds it.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pack
import project

SEPARATOR = "\x1f"


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=project.ROOT).stdout


def rustc(field):
    return re.search(rf"^{field}: (.*)$", output("rustc", "-vV"), re.MULTILINE)[1]


def target_directory():
    return pathlib.Path(project.package()["target_directory"])


def cargo_home():
    return pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")


def tools():
    """The folder of the pinned cargo commands, which are built once."""
    root = target_directory() / "tools"
    listed = root / ".crates.toml"
    for name, version in project.data()["tools"].items():
        if not listed.exists() or f'"{name} {version} ' not in listed.read_text():
            # Not with the flags of the program, and into a folder that any build can use.
            env = {name: value for name, value in os.environ.items() if "RUSTFLAGS" not in name and name != "CARGO_TARGET_DIR"}
            project.cargo("install", "--locked", "--force", "--root", str(root), f"{name}@{version}", env=env)
    return root / "bin"


def flags(target, build):
    """Flags for rustc without which the path of each panic, and the linker on Windows, would differ."""
    source = pathlib.Path(output("rustc", "--print", "sysroot").strip()) / "lib/rustlib/src/rust"
    # The last one that fits a path is used.
    prefixes = {cargo_home(): "/cargo", source: f"/rustc/{rustc('commit-hash')}", project.ROOT: "/tfbackend", build: "/target"}
    remap = [f"--remap-path-prefix={path}={name}" for path, name in prefixes.items()]
    return remap + (["-Clink-arg=/Brepro"] if project.is_windows(target) else [])


def commit():
    """What `tfbackend version` says of its source."""
    if "TFBACKEND_COMMIT" in os.environ:
        return {}
    name, date = output("git", "show", "--no-patch", "--format=%H %cI", "HEAD").split()
    return {"TFBACKEND_COMMIT": name, "TFBACKEND_COMMIT_DATE": date}


def environment(target, build):
    env = {name: value for name, value in os.environ.items() if name != "RUSTFLAGS"}
    return {
        **env,
        **commit(),
        "CARGO_ENCODED_RUSTFLAGS": SEPARATOR.join(flags(target, build)),
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": str(build),
        "PATH": os.pathsep.join([str(tools()), os.environ["PATH"]]),
        # As `cargo auditable build` does it, but for the folder of the wrapper: cargo hashes its path into all symbols.
        "RUSTC_WORKSPACE_WRAPPER": "cargo-auditable",
        "CARGO_AUDITABLE_ORIG_ARGS": json.dumps({"offline": False, "locked": True, "frozen": False, "config": []}),
        "SOURCE_DATE_EPOCH": str(pack.epoch()),
    }


def sbom(target, env):
    """CycloneDX, of all crates that are built. The command can only write beside Cargo.toml, and names that folder."""
    stem = project.sbom(target).removesuffix(".json")
    written = project.ROOT / f"{stem}.json"
    try:
        command = ["cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--target", target]
        project.cargo(*command, "--override-filename", stem, env=env)
        text = written.read_text(encoding="utf-8")
    finally:
        written.unlink(missing_ok=True)
    # Cargo leaves out the name of the package if the folder has the same.
    text = re.sub(rf"path\+{re.escape(project.ROOT.as_uri())}#(tfbackend@)?", "pkg:cargo/tfbackend@", text)
    document = json.loads(text)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def refuse_paths(released, build):
    """Fails if a folder of this machine can be read in what is released."""
    for path in released:
        data = path.read_bytes()
        for folder in [project.ROOT, cargo_home(), build]:
            if str(folder).encode() in data:
                sys.exit(f"error: {path.name} contains the path {folder}")


def build(target, out):
    released = f"rustc {project.data()['toolchain']} "
    if not output("rustc", "--version").startswith(released):
        print(f"note: releases are built with {released.strip()}; other versions give other bytes", file=sys.stderr)
    folder = target_directory() / "dist-build"
    env = environment(target, folder)
    project.cargo("build", "--locked", "--release", "--bin", "tfbackend", "--target", target, env=env)
    out.mkdir(parents=True, exist_ok=True)
    # Of an earlier version or another target; nothing else in a folder that was named.
    for path in [*out.glob("tfbackend-*"), out / pack.SUMS]:
        path.unlink(missing_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = env["SOURCE_DATE_EPOCH"]
    pack.write(out / project.sbom(target), sbom(target, env).encode())
    binary = folder / target / "release" / project.program(target)
    refuse_paths([binary, out / project.sbom(target)], folder)
    pack.pack(binary, target, out)
    pack.sums(out)
    print((out / pack.SUMS).read_text(), end="")


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def check(target, out):
    """The second build shares nothing with the first but the sources, the compiler, the crates and the tools."""
    build(target, out)
    again = target_directory() / "dist-check" / "another folder"
    shutil.rmtree(again.parent, ignore_errors=True)
    for name in output("git", "ls-files", "-z").split("\0"):
        path = project.ROOT / name
        if name and path.is_file():
            (again / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, again / name)
    # The copy is no repository.
    env = {**os.environ, **commit(), "CARGO_TARGET_DIR": str(again.parent / "target")}
    shutil.copytree(target_directory() / "tools", again.parent / "target/tools")
    script, second = again / "packaging/dist.py", again.parent / "out"
    command = [sys.executable, "-Es", str(script), "build", "--target", target, "--out", str(second)]
    subprocess.run(command, check=True, cwd=again, env=env)
    first, second = digests(out), digests(second)
    different = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if different:
        sys.exit(f"error: two builds are different: {', '.join(different)}")
    print(f"reproducible: two builds gave the same {len(first)} files")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build", "check"])
    parser.add_argument("--target", choices=project.data()["targets"], default=rustc("host"))
    parser.add_argument("--out", type=pathlib.Path, default=target_directory() / "dist")
    args = parser.parse_args()
    {"build": build, "check": check}[args.command](args.target, args.out.absolute())


if __name__ == "__main__":
    main()
