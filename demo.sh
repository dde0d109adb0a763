#!/usr/bin/env bash
# The program at work, without an account: the sandbox, a backend on it, and Terraform on that.
set -euo pipefail
cd "$(dirname "$0")"

# What listens on loopback is not for proxies, and has a certificate of its own.
unset AWS_CA_BUNDLE
tfbackend=${TFBACKEND:-$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/tfbackend}
[ -x "$tfbackend" ] || { echo "$tfbackend is not there: \`make demo\` builds it first" >&2; exit 1; }

work=$(mktemp -d)
# The folder is another one each time, and no two folders may use one state.
key=$(basename "$work")/terraform.tfstate
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() {
  # As a person would type it.
  printf '\033[1m$ %s\033[0m\n' "${*/#$tfbackend/tfbackend}"
  "$@"
}

say 'An AWS emulator on this machine'
run "$tfbackend" sandbox up

say 'A backend, and the files that point Terraform at it'
run "$tfbackend" bootstrap --sandbox --env dev --project demo --region eu-west-1 --lock both --ephemeral --key "$key" --auto-approve

say 'Once more: nothing to do'
run "$tfbackend" bootstrap --sandbox --env dev --project demo --region eu-west-1 --lock both --ephemeral --key "$key" --auto-approve

terraform=$(command -v terraform || command -v tofu || true)
if [ -z "$terraform" ]; then
  say 'No terraform or tofu on PATH, so this ends here'
  echo 'Terraform: https://developer.hashicorp.com/terraform/install, OpenTofu: https://opentofu.org/docs/intro/install/'
else
  terraform=$(basename "$terraform")
  export CHECKPOINT_DISABLE=1
  tf() { run "$tfbackend" sandbox run -- "$terraform" "$@"; }
  cat > main.tf <<'TF'
# Takes its time, so that a second run finds the state locked.
resource "terraform_data" "slow" {
  triggers_replace = timestamp()

  provisioner "local-exec" {
    command = "sleep 6"
  }
}
TF
  say 'Terraform on it'
  tf init -input=false -no-color -backend-config=backend.conf

  say 'An apply that takes a while, and a second one that waits for its lock'
  tf apply -input=false -no-color -auto-approve > first.log 2>&1 &
  first=$!
  until grep -q 'Creating...' first.log || ! kill -0 $first 2>/dev/null; do sleep 0.2; done
  if tf plan -input=false -no-color -lock-timeout=0s > refused.log 2>&1; then
    echo 'the second run was not kept out' >&2
    exit 1
  fi
  grep -E 'Error acquiring the state lock|  (ID|Operation|Who):' refused.log
  tf apply -input=false -no-color -auto-approve -lock-timeout=60s
  wait $first
  grep 'Apply complete' first.log

  say 'What is in the state'
  tf state list
fi

say 'The files'
run cat backend.tf backend.conf

say 'The same in your own words'
cat <<'TXT'
tfbackend bootstrap --sandbox --env prod    # asks for the rest
tfbackend sandbox status                    # where the sandbox is
tfbackend sandbox down --purge              # stops it and forgets everything
TXT
echo "(tfbackend is $tfbackend)"
