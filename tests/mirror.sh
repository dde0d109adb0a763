#!/bin/sh
# Prints the folder from which the tests take the AWS provider, if there is one: what TFBACKEND_TF_MIRROR names, and then that
# only; else what Terraform's own configuration names, the folders that Terraform documents as implied local mirrors
# (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation), and what root put below /opt and
# /usr/share in the layout of a mirror. Without any, nothing is printed, and Terraform asks the registry.
#
# What is in it is run: each folder on the way, and the provider, must belong to root or to who runs this, and be written to by
# no other user. Fails if that is not so for the one that was named.
set -eu

# Whether no other user can change what is at a path: neither the file, nor a folder above it. $2 are the owners who may.
ours() {
    path=$1
    while :; do
        # A folder with the sticky bit, as /tmp, lets no user rename what is another's.
        [ -n "$(find -H "$path" -maxdepth 0 \( -user 0 -o -user "${2:-$(id -u)}" \) \( ! -perm -020 ! -perm -002 -o -type d -perm -1000 \))" ] || return 1
        [ "$path" != / ] || return 0
        path=$(dirname "$path")
    done
}

case $(uname -s)-$(uname -m) in
Linux-x86_64) platform=linux_amd64 ;;
Linux-aarch64) platform=linux_arm64 ;;
Darwin-x86_64) platform=darwin_amd64 ;;
Darwin-arm64) platform=darwin_arm64 ;;
*) platform='*' ;;
esac

# The whole of a mirror as it is used: MIRROR/registry.terraform.io/hashicorp/aws/VERSION/PLATFORM/FILE, or packed,
# MIRROR/registry.terraform.io/hashicorp/aws/terraform-provider-aws_VERSION_PLATFORM.zip.
usable() {
    [ -d "$1/registry.terraform.io/hashicorp/aws" ] || return 1
    mirror=$(cd "$1" && pwd -P)
    found=$(find "$mirror/registry.terraform.io/hashicorp/aws" -type f \
        \( -path "*/5.*/$platform/terraform-provider-aws_v5*" -o -name "terraform-provider-aws_5*_$platform.zip" \))
    [ -n "$found" ] || return 1
    printf '%s\n' "$found" | while IFS= read -r file; do
        ours "$file" "${2:-}" || exit 1
    done
}

if [ -n "${TFBACKEND_TF_MIRROR:-}" ]; then
    usable "$TFBACKEND_TF_MIRROR" || {
        echo "tests/mirror.sh: TFBACKEND_TF_MIRROR=$TFBACKEND_TF_MIRROR: has no AWS provider 5 for $platform, or another user can change it" >&2
        exit 1
    }
    (cd "$TFBACKEND_TF_MIRROR" && pwd -P)
    exit
fi

home=${HOME:-/nonexistent}
config=${TF_CLI_CONFIG_FILE:-$home/.terraformrc}
{
    if [ -f "$config" ] && ours "$(cd "$(dirname "$config")" && pwd -P)/$(basename "$config")"; then
        # Each argument on a line of its own, without comments.
        sed -E -e 's/^[[:space:]]*(#|\/\/).*//' -e 's/[{};]/\
/g' "$config" | sed -n -E 's/^[[:space:]]*(path|plugin_cache_dir)[[:space:]]*=[[:space:]]*"([^"]*)".*/\2/p' |
            while IFS= read -r folder; do
                # Terraform replaces variables there; of those that lead to a folder, this is the usual one.
                case $folder in
                "\$HOME/"*) echo "$home/${folder#*/}" ;;
                *) echo "$folder" ;;
                esac
            done
    fi
    [ -z "${TF_PLUGIN_CACHE_DIR:-}" ] || echo "$TF_PLUGIN_CACHE_DIR"
    echo "$home/.terraform.d/plugins"
    if [ "$(uname -s)" = Darwin ]; then
        echo "$home/Library/Application Support/io.terraform/plugins"
        echo '/Library/Application Support/io.terraform/plugins'
    else
        echo "${XDG_DATA_HOME:-$home/.local/share}/terraform/plugins"
        echo "${XDG_DATA_DIRS:-/usr/local/share:/usr/share}" | tr ':' '\n' | sed 's|/*$|/terraform/plugins|'
    fi
} | while IFS= read -r folder; do
    if usable "$folder"; then
        (cd "$folder" && pwd -P)
        exit 10
    fi
done || [ $? -ne 10 ] || exit 0

# Below these, or the folders that the arguments name, root alone says what is a mirror.
[ $# -gt 0 ] || set -- /opt /usr/share
for root in "$@"; do
    for folder in "$root" "$root"/* "$root"/*/* "$root"/*/*/*; do
        if usable "$folder" 0; then
            (cd "$folder" && pwd -P)
            exit
        fi
    done
done
