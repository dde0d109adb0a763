"""How long it takes to empty a bucket: tfbackend, a loop of boto3's, Terraform's `force_destroy`.

Each starts from the same bucket of an emulator of its own that is as slow as S3, and is measured from outside: time,
calls that arrived, and memory of all its processes. What is printed is a table for docs/internals/benchmarks.md.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import common  # noqa: E402
from common import MIB, ROOT, Bars, machine, measure, terraformrc  # noqa: E402

LISTING, BATCH = 0.15, 0.6
VERSIONS, MARKERS, NAMES = 20_000, 2_000, 200
MANY = (180_000, 20_000, 200)
PER_PAGE = 1000

TERRAFORM = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
resource "aws_s3_bucket" "bench" {
  bucket        = "bench"
  force_destroy = true
}
"""


class Emulator(common.Emulator):
    def __init__(self):
        super().__init__(HERE / "serve.py", LISTING, BATCH)

    def fill(self, versions, markers, names):
        self.ask(f"fill?versions={versions}&markers={markers}&names={names}", "POST")


class Terraform:
    """A bucket in a state, made once; what is measured is its end."""

    def __init__(self, home):
        self.dir = Path(home) / "terraform"
        self.dir.mkdir()
        (self.dir / "main.tf").write_text(TERRAFORM)
        terraformrc(home)
        with Emulator() as emulator:
            for command in (["init"], ["apply", "-auto-approve"]):
                measure(["terraform", *command, "-no-color", "-input=false"], emulator.vars(home), self.dir)
        self.state = (self.dir / "terraform.tfstate").read_text()

    def command(self):
        (self.dir / "terraform.tfstate").write_text(self.state)
        return ["terraform", "destroy", "-auto-approve", "-no-color", "-input=false"]


def run(command, home, size, cwd):
    with Emulator() as emulator:
        emulator.fill(*size)
        took, peak = measure(command, emulator.vars(home), cwd)
        return took, emulator.ask("calls"), peak


def built():
    """The program that empties, built if need be."""
    command = ["cargo", "bench", "--locked", "--bench", "empty", "--no-run", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    artifacts = (json.loads(line) for line in output.splitlines())
    return next(a["executable"] for a in artifacts if a.get("target", {}).get("name") == "empty" and a.get("executable"))


def row(name, runs):
    seconds = sorted(took for took, _, _ in runs)
    calls = runs[0][1]
    peak = max(peak for _, _, peak in runs)
    counted = ", ".join(f"{calls[kind]} {kind}" for kind in ("listings", "batches", "others") if calls.get(kind))
    middle = statistics.median(seconds)
    times = f"{middle:.1f} s ({seconds[0]:.1f}–{seconds[-1]:.1f}, {len(runs)} run{'s' * (len(runs) > 1)})"
    print(f"| {name} | {times} | {counted} | {peak / MIB:.0f} MiB |", flush=True)
    return middle, calls["listings"] + calls["batches"], peak


def main():
    parser = argparse.ArgumentParser(prog="bench.py teardown", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--program", help="what empties the bucket that it is told, if it is built already")
    parser.add_argument("--without-terraform", action="store_true")
    args = parser.parse_args()
    program = args.program or built()
    size = (VERSIONS, MARKERS, NAMES)
    with tempfile.TemporaryDirectory() as home:
        runs = lambda command, cwd=home: [run(command(), home, size, cwd) for _ in range(args.runs)]
        print(machine())
        print(f"{VERSIONS + MARKERS} entries over {NAMES} names, +{LISTING * 1000:.0f} ms a listing, +{BATCH * 1000:.0f} ms a batch\n")
        print("| | time: median (least–most) | calls | peak memory |\n| --- | --- | --- | --- |")
        ours, calls, peak = row("tfbackend", runs(lambda: [program, "bench"]))
        loop, _, _ = row("boto3: list a page, delete it", runs(lambda: [sys.executable, "-I", str(HERE / "loop.py"), "bench"]))
        theirs = None
        if not args.without_terraform and shutil.which("terraform"):
            terraform = Terraform(home)
            theirs, _, _ = row("terraform destroy, `force_destroy`", runs(terraform.command, terraform.dir))
        _, _, many = row(f"tfbackend, {sum(MANY[:2])} entries", [run([program, "bench"], home, MANY, home)])
    pages = -(-(VERSIONS + MARKERS) // PER_PAGE)
    bars = Bars()
    bars.row("2.5 times as fast as boto3", f"{loop / ours:.1f} times", loop >= 2.5 * ours)
    if theirs:
        bars.row("4 times as fast as Terraform", f"{theirs / ours:.1f} times", theirs >= 4 * ours)
    bars.row(f"no more listings and batches than {pages} + {pages} and 5 %", calls, calls <= 2 * pages * 1.05)
    bars.row("below 64 MiB", f"{peak / MIB:.0f} MiB", peak < 64 * MIB)
    bars.row("flat: ten times as much in a tenth more memory", f"{many / peak:.2f} times", many < 1.1 * peak)
    print(f"\n{bars.table()}")


main()
