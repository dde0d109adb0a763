#!/bin/sh
# Installs tfbackend for the user who runs it, without root: downloads an archive of a release, compares it with
# SHA256SUMS, and puts the program into a folder. Nothing runs before the last line is read: a script that was cut off
# does nothing.
set -eu
umask 022

repository=https://github.com/tfbackend/tfbackend
# A mirror has the same layout: latest/download/FILE and download/vVERSION/FILE.
releases=${TFBACKEND_DOWNLOAD_URL:-$repository/releases}
# The programs for glibc are built on Ubuntu 24.04, and start with this version or a later one.
glibc=2.39

usage() {
    cat <<'USAGE'
Installs tfbackend.

Usage: install.sh [--version VERSION] [--to DIR] [--sha256 SUM]

  --version VERSION  release to install, such as 0.1.0 [default: the latest]
  --to DIR           folder to install to [default: ~/.local/bin]
  --sha256 SUM       SHA-256 that the archive must have, in addition to the one in SHA256SUMS

TFBACKEND_DOWNLOAD_URL is the address of a mirror of the releases.
USAGE
}

# An error, and what to do about it.
fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -eq 1 ] || printf '  hint: %s\n' "$2" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Folders that this run created go, too, as long as they are empty.
clean_up() {
    [ -z "$work" ] || rm -rf "$work"
    [ -z "$new" ] || rm -f "$new"
    while [ "$installed" = no ] && [ "$to" != "$existing" ] && rmdir "$to" 2>/dev/null; do
        to=$(dirname "$to")
    done
}

# It becomes part of addresses and paths.
check_version() {
    case $version in *[!0-9A-Za-z.+-]* | .*) fail "$version is not a valid version" ;; esac
}

has_new_glibc() {
    version_here=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 1
    version_here=${version_here#glibc }
    major=${version_here%%.*}
    minor=${version_here#*.}
    minor=${minor%%.*}
    case $major.$minor in *[!0-9.]* | .* | *.) return 1 ;; esac
    [ "$major" -gt "${glibc%.*}" ] || { [ "$major" -eq "${glibc%.*}" ] && [ "$minor" -ge "${glibc#*.}" ]; }
}

find_target() {
    system=$(uname -s)
    machine=$(uname -m)
    # A shell under Rosetta reports the processor that Rosetta imitates.
    if [ "$system" = Darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
        machine=arm64
    fi
    libc=musl
    if [ "$system" = Linux ] && has_new_glibc; then libc=gnu; fi
    case $system/$machine in
        Linux/x86_64 | Linux/amd64) target=x86_64-unknown-linux-$libc ;;
        Linux/aarch64 | Linux/arm64) target=aarch64-unknown-linux-$libc ;;
        Darwin/x86_64) target=x86_64-apple-darwin ;;
        Darwin/arm64) target=aarch64-apple-darwin ;;
        MINGW*/* | MSYS*/* | CYGWIN*/*)
            fail "this script does not install on Windows" \
                "download the archive for Windows, or use Scoop: $repository/releases"
            ;;
        *)
            fail "there is no release for $system on $machine" \
                "build it with Rust: cargo install --locked --git $repository"
            ;;
    esac
}

download() {
    case $1 in
        https://*) protocols='=https' ;;
        http://127.0.0.1:* | http://localhost:*) protocols='=http' ;;
        *) fail "$1 is not an https address" "set TFBACKEND_DOWNLOAD_URL to one" ;;
    esac
    if has curl; then
        curl --proto "$protocols" --fail --silent --show-error --location --connect-timeout 20 --retry 2 \
            --speed-limit 1 --speed-time 60 --output "$2" "$1"
    elif wget --version 2>/dev/null | grep -q GNU; then
        # With a log, it does not make one in this folder when the terminal is closed.
        wget --quiet --output-file="$work/log" --tries=3 --timeout=60 --output-document="$2" "$1"
    else
        wget -q -O "$2" "$1"
    fi || fail "cannot download $1" "${3:-check the network, and try again}"
}

# The entry of the archive in SHA256SUMS. Of the latest release, it is also what says which version that is.
find_entry() {
    expected=
    while read -r sum name || [ -n "$sum" ]; do
        name=${name#\*}
        case $name in
            tfbackend-*-"$target".tar.gz)
                found=${name#tfbackend-}
                found=${found%-"$target".tar.gz}
                if [ -z "$version" ] || [ "$version" = "$found" ]; then
                    version=$found
                    expected=$sum
                fi
                ;;
        esac
    done <"$work/SHA256SUMS"
    [ -n "$expected" ] || fail "SHA256SUMS of the release has no archive for $target" "see $repository/releases"
    case $expected in *[!0-9a-f]*) expected= ;; esac
    [ ${#expected} -eq 64 ] || fail "SHA256SUMS has no valid SHA-256 for $target"
}

sha256() {
    if has sha256sum; then
        sha256sum "$1"
    elif has shasum; then
        shasum -a 256 "$1"
    else
        openssl dgst -sha256 -r "$1"
    fi | cut -d ' ' -f 1
}

# What is missing on PATH, and where an older program would be found first.
say_next() {
    case :$PATH: in
        *:"$to":*)
            found=$(command -v tfbackend || :)
            [ "$found" = "$to/tfbackend" ] || printf '%s comes first on PATH.\n' "$found"
            return
            ;;
    esac
    case ${SHELL:-} in
        */fish)
            printf '%s is not on PATH. Run:\n  fish_add_path "%s"\n' "$to" "$to"
            return
            ;;
        */zsh) profile=.zshrc ;;
        */bash) profile=.bashrc ;;
        *) profile=.profile ;;
    esac
    printf '%s is not on PATH. Add this line to ~/%s:\n  export PATH="%s:%s"\n' "$to" "$profile" "$to" "\$PATH"
}

main() {
    version='' to='' pinned=''
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h)
                usage
                return
                ;;
            --version | --to | --sha256)
                [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 needs a value"
                case $1 in
                    --version) version=${2#v} ;;
                    --to) to=$2 ;;
                    --sha256) pinned=$2 ;;
                esac
                shift 2
                ;;
            *) fail "unknown argument $1" "see install.sh --help" ;;
        esac
    done
    check_version
    [ -n "$to" ] || [ -n "${HOME:-}" ] || fail "HOME is not set" "pass --to DIR"
    to=${to:-$HOME/.local/bin}
    case $to in /*) ;; *) to=$PWD/$to ;; esac
    to=${to%/}

    find_target
    has curl || has wget || fail "neither curl nor wget is on PATH" "install one of them"
    has sha256sum || has shasum || has openssl || fail "sha256sum is not on PATH" "install it, or shasum, or openssl"
    existing=$to
    until [ -e "$existing" ] || [ -h "$existing" ]; do existing=$(dirname "$existing"); done
    [ -d "$existing" ] || fail "$existing is not a folder" "pass another folder with --to DIR"
    [ -w "$existing" ] || fail "$existing is not writable" "pass another folder with --to DIR"
    [ ! -d "$to/tfbackend" ] || fail "$to/tfbackend is a folder" "pass another folder with --to DIR"

    work='' new='' installed=no
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 129' HUP
    trap 'exit 143' TERM
    work=$(mktemp -d 2>/dev/null) || fail "cannot make a temporary folder in ${TMPDIR:-/tmp}" "set TMPDIR to another folder"

    if [ -n "$version" ]; then
        download "$releases/download/v$version/SHA256SUMS" "$work/SHA256SUMS" "is $version a release? see $repository/releases"
    else
        download "$releases/latest/download/SHA256SUMS" "$work/SHA256SUMS"
    fi
    find_entry
    check_version
    folder=tfbackend-$version-$target
    archive=$folder.tar.gz
    [ -z "$pinned" ] || [ "$pinned" = "$expected" ] || fail "SHA256SUMS has $expected for $archive, expected $pinned"
    download "$releases/download/v$version/$archive" "$work/$archive"
    actual=$(sha256 "$work/$archive")
    [ "$actual" = "$expected" ] || fail "$archive has the wrong checksum: $actual (expected: $expected)" \
        "download it again; if the checksum is wrong again, report it: $repository/security"

    tar -xzf "$work/$archive" -C "$work" "$folder/tfbackend" || fail "cannot unpack $archive"
    mkdir -p "$to" || fail "cannot create $to" "pass another folder with --to DIR"
    # Beside the program that it replaces, so that there is no moment without one.
    new=$to/.tfbackend.$$
    if ! cp "$work/$folder/tfbackend" "$new" || ! chmod 755 "$new"; then
        fail "cannot write to $to" "pass another folder with --to DIR"
    fi
    says=$("$new" --version) || fail "the program for $target does not start on this machine" "report it: $repository/issues"
    [ "$says" = "tfbackend $version" ] || fail "the archive has another program: $says (expected: tfbackend $version)"
    mv -f "$new" "$to/tfbackend" || fail "cannot replace $to/tfbackend"
    installed=yes
    printf 'Installed tfbackend %s: %s\n' "$version" "$to/tfbackend"
    say_next
}

# In braces, so that a part of the line is not a command.
{
    main "$@"
}
