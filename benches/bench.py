"""Runs the benchmarks, or the one that is named first; the rest is for them: --runs N, --without-terraform, and more of each (--help)."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = ("bootstrap", "states", "teardown")

args = sys.argv[1:]
chosen = (args.pop(0),) if args[:1] and args[0] in ALL else ALL
for name in chosen:
    print(f"## {name}\n", flush=True)
    subprocess.run([sys.executable, "-I", str(HERE / name / "bench.py"), *args], check=True)
    print(flush=True)
