"""How long it takes to list ten thousand states: tfbackend, and boto3 with 64 threads.

Both read each state, over a network on which each answer takes 50 ms longer, and are measured from outside: time, calls that
arrived, connections, and memory. What is printed is a table for docs/internals/benchmarks.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import common  # noqa: E402
from common import MB, Bars, built, machine, measure, times  # noqa: E402

STATES, DELAY, RESOURCES = 10_000, 0.05, 3
AT_ONCE = 64


class Bucket(common.Emulator):
    """Not an emulator of AWS: it knows this one bucket."""

    def __init__(self):
        super().__init__(HERE / "serve.py")

    def command(self, port):
        return [sys.executable, "-I", self.script, str(port), str(STATES), str(DELAY), str(RESOURCES)]


def run(command, home):
    with Bucket() as bucket:
        took, peak = measure(command, bucket.vars(home), home, every=0.01)
        return took, peak, bucket.ask("calls")


def main():
    parser = argparse.ArgumentParser(prog="bench.py states", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--program", help="tfbackend, if it is built already")
    args = parser.parse_args()
    program = str(Path(args.program or built()).resolve())
    ours = [program, "state", "list", "--bucket", "bench", "--region", common.REGION, "--output", "json"]
    theirs = [sys.executable, "-I", str(HERE / "threads.py")]
    rows = {"tfbackend state list": [], "boto3, 64 threads": []}
    with tempfile.TemporaryDirectory() as home:
        # In turn, so that what else the machine does is shared.
        for _ in range(args.runs):
            for name, command in zip(rows, (ours, theirs)):
                rows[name].append(run(command, home))
    print(f"{machine()}; {args.runs} runs, median (least–most)")
    print(f"{STATES} states of {RESOURCES} resources, +{DELAY * 1000:.0f} ms a call\n")
    print("| | time | calls | connections | peak memory |\n| --- | --- | --- | --- | --- |")
    for name, runs in rows.items():
        calls = runs[0][2]
        asked = sum(number for kind, number in calls.items() if kind != "connections")
        peak = max(peak for _, peak, _ in runs) / MB
        print(f"| {name} | {times([took for took, *_ in runs])} | {asked} | {calls['connections']} | {peak:.0f} MB |")
    took = {name: median(took for took, *_ in runs) for name, runs in rows.items()}
    runs = rows["tfbackend state list"]
    calls = max(sum(number for kind, number in calls.items() if kind != "connections") for *_, calls in runs)
    peak = max(peak for _, peak, _ in runs)
    most = 1.3 * calls / AT_ONCE * DELAY + 1
    bars = Bars()
    name = "tfbackend state list"
    bars.row(f"in 1.3 × ({calls} calls / {AT_ONCE}) × 50 ms + 1 s", f"{took[name]:.1f} s, at most {most:.1f} s", took[name] <= most)
    bars.row("below 64 MB", f"{peak / MB:.0f} MB", peak < 64 * MB)
    ratio = took["boto3, 64 threads"] / took[name]
    bars.row("as fast as boto3 with as many threads", f"{ratio:.1f} times", ratio >= 1)
    print(f"\n{bars.table()}")


main()
