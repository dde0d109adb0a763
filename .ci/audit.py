"""Known vulnerabilities of what the program and its tests are built from, and licences of the Python packages.

The databases are RustSec's (https://github.com/rustsec/advisory-db) and PyPA's (https://github.com/pypa/advisory-database).
They are cloned into target/advisories and renewed once a day; --rust and --python name clones that are there already. The
date of each is printed. Without a database its packages are not judged, which is printed, too, and the program ends with 2.
It ends with 1 if an advisory concerns a package, or a licence is not allowed.
"""

import argparse
import datetime
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import yaml

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLONES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "advisories"
SOURCES = {"rust": "https://github.com/rustsec/advisory-db", "python": "https://github.com/pypa/advisory-database"}
# A clone that is older is renewed.
FRESH_SECONDS = 24 * 60 * 60
CLONE_SECONDS = 60
LISTS = [
    "src/sandbox/requirements.txt", "tests/requirements.txt", "benches/bootstrap/requirements.txt", "packaging/requirements.txt",
    "site/requirements.txt",
]  # fmt: skip
# By which names they are known in the metadata of packages; all go with MIT OR Apache-2.0 for what is run and not shipped.
LICENCES = re.compile(r"\b(MIT|Apache|BSD|ISC|PSF|Python Software Foundation|Unlicense|MPL-2\.0)\b", re.IGNORECASE)


def crates(lock):
    """Name and version of each package of a Cargo.lock that comes from a registry."""
    for package in lock.read_text().split("[[package]]")[1:]:
        fields = dict(re.findall(r'^(name|version|source) = "(.*)"$', package, re.MULTILINE))
        if "source" in fields:
            yield fields["name"], fields["version"]


def packages(lists):
    """Name and version of each pinned Python package."""
    for path in lists:
        yield from re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text(), re.MULTILINE)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def semver(text):
    """A key that orders as Semantic Versioning does; what is left out is 0."""
    core, _, pre = text.split("+")[0].partition("-")
    numbers = [int(part) for part in core.split(".")]
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")] if pre else []
    return (numbers + [0, 0])[:3], not pre, parts


def compatible(text):
    """The first version that `^text` does not match."""
    numbers = [int(part) for part in text.split("-")[0].split(".")]
    at = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    return ".".join(map(str, [*numbers[:at], numbers[at] + 1, *[0] * (2 - at)]))


def matches(version, requirement):
    """Whether a version is within a requirement as Cargo writes them: `>= 1.2, < 2.0.0`, `^1.2.3`, `=1.0.0`."""
    have = semver(version)
    for part in requirement.split(","):
        operator, wanted = re.fullmatch(r"\s*(>=|<=|>|<|=|\^|~)?\s*(\S+)\s*", part).groups()
        than = semver(wanted)
        holds = {
            ">=": have >= than,
            ">": have > than,
            "<=": have <= than,
            "<": have < than,
            "=": have == than,
        }.get(operator)
        if holds is None:
            following = wanted.split("-")[0].split(".")
            end = ".".join([following[0], str(int((following + ["0"])[1]) + 1), "0"]) if operator == "~" else compatible(wanted)
            holds = than <= have < semver(end)
        if not holds:
            return False
    return True


def release(text):
    """Orders releases as PEP 440 does, apart from what is not a final one."""
    return [int(number) for number in re.match(r"v?(\d+(?:\.\d+)*)", text)[1].split(".")]


def padded(*versions):
    longest = max(map(len, versions))
    return [version + [0] * (longest - len(version)) for version in versions]


def affected(version, advisory):
    if version in advisory.get("versions", []):
        return True
    for events in advisory["ranges"]:
        inside = False
        for kind, at in events:
            have, edge = padded(release(version), release(at))
            if kind == "introduced":
                inside = inside or have >= edge
            else:
                inside = inside and (have < edge if kind == "fixed" else have <= edge)
        if inside:
            return True
    return False


def ignored():
    """Accepted in deny.toml, for us and for `cargo deny`."""
    section = re.search(r"^\[advisories\]\n(.*?)(?=^\[|\Z)", (ROOT / "deny.toml").read_text(), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"RUSTSEC-\d{4}-\d{4}|PYSEC-\d{4}-\d+", section[1]))


def judge(lock, lists, databases):
    """What is known of a package, a line each; and whether both databases were there."""
    accepted, today = ignored(), datetime.datetime.now(datetime.timezone.utc).date()
    found, whole = [], True
    built = {"rust": list(crates(lock)), "python": sorted({(normal(name), version) for name, version in packages(lists)})}
    for kind, what in (("rust", "crates"), ("python", "Python packages")):
        database = databases[kind] or clone(kind)
        if database is None:
            print(f"{len(built[kind])} {what}: not judged, {SOURCES[kind]} cannot be reached")
            whole = False
            continue
        advisories = list(rust_advisories(database) if kind == "rust" else python_advisories(database, built[kind]))
        if kind == "rust" and not advisories:
            sys.exit(f"{database}: holds no advisories")
        date = day_of(database, advisories)
        age = (today - datetime.date.fromisoformat(date)).days
        print(f"{len(built[kind])} {what} against {SOURCES[kind]} of {date} ({age} days old)")
        of = {}
        for advisory in advisories:
            of.setdefault(advisory["package"], []).append(advisory)
        for name, version in built[kind]:
            for advisory in of.get(name, []):
                if kind == "rust":
                    hit = not any(matches(version, good) for good in advisory["patched"] + advisory["unaffected"])
                else:
                    hit = affected(version, advisory)
                if hit and advisory["id"] not in accepted:
                    found.append(f"{name} {version}: {advisory['id']} ({advisory['kind']}): {advisory['title']}")
    return found, whole


def licences():
    """Of the Python packages that are installed for the tests, among which are the sandbox's."""
    pinned = {normal(name) for name, _ in packages([ROOT / path for path in LISTS[:2]])}
    seen = set()
    for package in importlib.metadata.distributions():
        name = normal(package.metadata["Name"])
        if name not in pinned:
            continue
        seen.add(name)
        fields = [package.metadata.get("License-Expression"), package.metadata.get("License")]
        fields += [line for line in package.metadata.get_all("Classifier", []) if line.startswith("License ::")]
        if not any(LICENCES.search(field[:200]) for field in fields if field):
            yield f"{name}: its licence is not among those that are allowed: {[field for field in fields if field]}"
    print(f"{len(seen)} licences of Python packages")
    if not seen:
        yield "no Python package is installed beside this Python; run `make test-venv`, and this with its Python"


def rust_advisories(database):
    for path in sorted(database.glob("crates/*/RUSTSEC-*.md")):
        front, text = re.fullmatch(r"\s*```toml\n(.*?)```(.*)", path.read_text(), re.DOTALL).groups()
        data = tomllib.loads(front)
        advisory, versions = data["advisory"], data.get("versions", {})
        if "withdrawn" in advisory:
            continue
        yield {
            "id": advisory["id"],
            "package": advisory["package"],
            "title": re.search(r"^# (.*)$", text, re.MULTILINE)[1].strip(),
            "kind": advisory.get("informational", "vulnerability"),
            "date": str(advisory["date"]),
            "patched": versions.get("patched", []),
            "unaffected": versions.get("unaffected", []),
        }


def python_advisories(database, built):
    for name in sorted({name for name, _ in built}):
        for path in sorted(database.glob(f"vulns/{name}/*.yaml")):
            data = yaml.safe_load(path.read_text())
            if data.get("withdrawn"):
                continue
            for part in data["affected"]:
                spans = [span["events"] for span in part.get("ranges", []) if span["type"] == "ECOSYSTEM"]
                title = data.get("summary") or data["details"].strip().split("\n")[0]
                yield {
                    "id": data["id"],
                    "package": name,
                    "title": title[:160],
                    "kind": "vulnerability",
                    "date": str(data["modified"])[:10],
                    "ranges": [sorted((next(iter(event.items())) for event in events), key=lambda event: release(str(event[1]))) for events in spans],
                    "versions": [] if spans else [str(version) for version in part.get("versions", [])],
                }


def git(*args, **more):
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True, **more).stdout.strip()


def clone(kind):
    """A clone of not more than a day, or an older one where it cannot be renewed, or none."""
    target = CLONES / kind
    made = target / ".git/HEAD"
    if made.exists() and time.time() - made.stat().st_mtime < FRESH_SECONDS:
        return target
    new = CLONES / f"{kind}.new"
    shutil.rmtree(new, ignore_errors=True)
    CLONES.mkdir(parents=True, exist_ok=True)
    try:
        git("clone", "--quiet", "--depth", "1", SOURCES[kind], str(new), timeout=CLONE_SECONDS, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
    except (OSError, subprocess.SubprocessError):
        return target if made.exists() else None
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return target


def day_of(database, advisories):
    """The day of the last change: as Git has it, else of the newest advisory."""
    if (database / ".git").exists():
        return git("-C", str(database), "log", "-1", "--format=%cs")
    return max(advisory["date"] for advisory in advisories)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=pathlib.Path, default=ROOT / "Cargo.lock", help="crates to judge")
    parser.add_argument("--list", type=pathlib.Path, action="append", dest="lists", help="Python packages to judge")
    parser.add_argument("--rust", type=pathlib.Path, help="clone of RustSec's database")
    parser.add_argument("--python", type=pathlib.Path, help="clone of PyPA's database")
    args = parser.parse_args()
    lists = args.lists or [ROOT / path for path in LISTS]
    found, whole = judge(args.lock, lists, {"rust": args.rust, "python": args.python})
    found.extend(licences())
    print("\n".join(found) if found else "No advisory concerns what was judged.")
    sys.exit(1 if found else 0 if whole else 2)


main()
