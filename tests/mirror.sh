#!/bin/sh
# Prints the folder from which the tests take the AWS provider, if there is one: of those that Terraform documents as local
# mirrors (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation), those that its own
# configuration names, and what an administrator put below /opt. TFBACKEND_TF_MIRROR names another, and is then the only one.
#
# What is in it is run: each folder on the way, and the provider, must belong to root or to who runs this, and be written to by
# no other user. Fails if that is not so for the one that was named.
set -eu

# Whether nobody else can change what is at a path: neither the file, nor a folder above it.
ours() {
    path=$1
    while :; do
        # A folder with the sticky bit, as /tmp, lets no user rename what is another's.
        [ -n "$(find -H "$path" -maxdepth 0 \( -user 0 -o -user "$(id -u)" \) \( ! -perm -020 ! -perm -002 -o -type d -perm -1000 \))" ] || return 1
        [ "$path" != / ] || return 0
        path=$(dirname "$path")
    done
}

# The whole of a mirror as it is used: MIRROR/registry.terraform.io/hashicorp/aws/VERSION/PLATFORM/FILE.
usable() {
    [ -d "$1/registry.terraform.io/hashicorp/aws" ] || return 1
    mirror=$(cd "$1" && pwd -P)
    found=$(find "$mirror/registry.terraform.io/hashicorp/aws" -type f \( -name 'terraform-provider-aws_v5*' -o -name 'terraform-provider-aws_5*.zip' \))
    [ -n "$found" ] || return 1
    printf '%s\n' "$found" | while IFS= read -r file; do
        ours "$file" || exit 1
    done
}

if [ -n "${TFBACKEND_TF_MIRROR:-}" ]; then
    usable "$TFBACKEND_TF_MIRROR" || {
        echo "tests/mirror.sh: TFBACKEND_TF_MIRROR=$TFBACKEND_TF_MIRROR: has no AWS provider 5, or another user can change it" >&2
        exit 1
    }
    (cd "$TFBACKEND_TF_MIRROR" && pwd -P)
    exit
fi

home=${HOME:-/nonexistent}
config=${TF_CLI_CONFIG_FILE:-$home/.terraformrc}
{
    echo "$home/.terraform.d/plugins"
    echo "${XDG_DATA_HOME:-$home/.local/share}/terraform/plugins"
    echo /usr/local/share/terraform/plugins
    echo /usr/share/terraform/plugins
    [ -z "${TF_PLUGIN_CACHE_DIR:-}" ] || echo "$TF_PLUGIN_CACHE_DIR"
    if [ -f "$config" ] && ours "$(cd "$(dirname "$config")" && pwd -P)/$(basename "$config")"; then
        sed -n -E 's/^[[:space:]]*(path|plugin_cache_dir)[[:space:]]*=[[:space:]]*"([^"]*)".*/\2/p' "$config"
    fi
    ls -d /opt/*/ 2>/dev/null || true
} | while IFS= read -r folder; do
    if usable "$folder"; then
        (cd "$folder" && pwd -P)
        break
    fi
done
