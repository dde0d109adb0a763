#!/usr/bin/env bash
# Lints what CI and users run: workflows, the action, shell scripts, and the Dockerfile as a release has it. The argument is
# the folder of the linters. `make lint-workflows` installs them first.
set -euo pipefail
tools=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
PATH=$tools:$PATH

zizmor --offline --quiet --no-progress --persona pedantic --config .github/zizmor.yml .github action.yml examples/github-actions
actionlint -shellcheck shellcheck .github/workflows/*.yml examples/github-actions/.github/workflows/*.yml

scripts=()
while IFS= read -r script; do scripts+=("$script"); done < <(git ls-files '*.sh' .ci/run)
shellcheck "${scripts[@]}"

# Any checksums: no archive is downloaded.
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
python3 -Es packaging/project.py archives | sed "s/^/$(printf '%064d' 0)  /" >"$rendered/SHA256SUMS"
python3 -Es packaging/render.py --sums "$rendered/SHA256SUMS" --out "$rendered"
hadolint "$rendered/Dockerfile"
