"""Packs a built program into the archive of a release: the same input gives the same bytes, on any day and machine.

pack.py archive --binary FILE --target TARGET --out DIR   the archive, with manual pages, completions and licences
pack.py sums DIR                                          SHA256SUMS of the files in it
"""

import argparse
import gzip
import hashlib
import io
import os
import pathlib
import subprocess
import tarfile
import tempfile
import time
import zipfile

import notices
import project

# As each shell looks for them.
COMPLETIONS = {
    "bash": "tfbackend.bash",
    "elvish": "tfbackend.elv",
    "fish": "tfbackend.fish",
    "powershell": "_tfbackend.ps1",
    "zsh": "_tfbackend",
}
DOCUMENTS = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"]
SUMS = "SHA256SUMS"


def epoch():
    """The time of all files: that of the last commit."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(project.ROOT), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def contents(binary, target):
    """Names in the archive, with the bytes and whether it is a program."""
    # Help shows the values of variables that are set.
    env = {name: value for name, value in os.environ.items() if not name.startswith("TFBACKEND_")}
    run = lambda *args: subprocess.run([str(binary), *args], check=True, stdout=subprocess.PIPE, env=env).stdout
    files = {project.program(target): (binary.read_bytes(), True)}
    for name in DOCUMENTS:
        files[name] = ((project.ROOT / name).read_bytes(), False)
    files["LICENSE-THIRD-PARTY"] = (notices.notices(target).encode(), False)
    for shell, name in COMPLETIONS.items():
        files[f"completions/{name}"] = (run("completions", shell), False)
    with tempfile.TemporaryDirectory() as pages:
        run("man", pages)
        for page in pathlib.Path(pages).iterdir():
            files[f"man/{page.name}"] = (page.read_bytes(), False)
    return files


def tar_gz(folder, files, seconds):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            data, is_program = files[name]
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), seconds, 0o755 if is_program else 0o644
            tar.addfile(entry, io.BytesIO(data))
    # The time and the name in the header of gzip are left out.
    return gzip.compress(inner.getvalue(), compresslevel=9, mtime=0)


def zipped(folder, files, seconds):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            data, is_program = files[name]
            entry = zipfile.ZipInfo(f"{folder}/{name}", time.gmtime(seconds)[:6])
            # Otherwise it would be the system of the machine that packs.
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            archive.writestr(entry, data)
    return inner.getvalue()


def write(path, data):
    """Complete, or not there."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.replace(path)


def pack(binary, target, out):
    out.mkdir(parents=True, exist_ok=True)
    make = zipped if project.is_windows(target) else tar_gz
    path = out / project.archive(target)
    write(path, make(project.folder(target), contents(binary, target), epoch()))
    return path


def sums(folder):
    """As `sha256sum` writes them, in the order of the names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    write(folder / SUMS, "".join(lines).encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    archive = commands.add_parser("archive")
    archive.add_argument("--binary", type=pathlib.Path, required=True)
    archive.add_argument("--target", choices=project.data()["targets"], required=True)
    archive.add_argument("--out", type=pathlib.Path, required=True)
    commands.add_parser("sums").add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    if args.command == "archive":
        print(pack(args.binary.resolve(), args.target, args.out))
    else:
        sums(args.folder)


if __name__ == "__main__":
    main()
