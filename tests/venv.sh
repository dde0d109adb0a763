#!/bin/sh
# Makes the Python environment of the tests (boto3 and the emulator), at target/test-venv or where
# the first argument says; the second names another list of packages. Prints nothing and takes no time
# when it is current.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-${CARGO_TARGET_DIR:-target}/test-venv}
wanted=${2:-tests/requirements.txt}
# Copied there last: where it is the same, the installation was finished.
cmp -s "$wanted" "$venv/requirements.installed" && exit 0

# A distribution's Python is built with optimizations that one compiled by hand often lacks, and most of what a run of the tests
# does is Python: by a fifth faster. On macOS, that path may be a stub which opens a window.
[ "$(uname -s)" != Linux ] || distribution=/usr/bin/python3
for python in ${TFBACKEND_PYTHON:-} ${distribution:-} python3 python3.13 python3.12 python3.11 python3.10; do
    "$python" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
    python=
done
if [ -z "$python" ]; then
    echo "tests/venv.sh: needs Python 3.10 or newer with venv (apt install python3 python3-venv)" >&2
    exit 1
fi
mkdir -p "$(dirname "$venv")"
# Tests run at the same time, and flock(1) is not on macOS.
exec "$python" -I - "$venv" "$wanted" <<'PYTHON'
import fcntl, filecmp, os, shutil, subprocess, sys

venv, wanted = sys.argv[1:]
installed = os.path.join(venv, "requirements.installed")
with open(venv + ".lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.path.exists(installed) and filecmp.cmp(wanted, installed, shallow=False):
        sys.exit()
    print(f"making {venv} with {sys.executable}", file=sys.stderr, flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-I", "-m", "venv", venv], check=True)
    pip = [os.path.join(venv, "bin", "python"), "-I", "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--requirement", wanted], check=True)
    shutil.copyfile(wanted, installed + ".new")
    os.replace(installed + ".new", installed)
PYTHON
