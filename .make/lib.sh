# Shared by the scripts in this folder: `source "$(dirname "$0")/lib.sh"`. Works from any folder and changes to the root.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Tools that the scripts install live here, so that nothing installed on the machine is replaced.
export PATH="$PWD/target/tools/bin:$PWD/node_modules/.bin:$PATH"
export PLAYWRIGHT_BROWSERS_PATH="$PWD/target/tools/browsers"
TARGET="${CARGO_TARGET_DIR:-target}"

# Prints the next step and the time since the first script started, so that a long first run is never silent.
export STARTED="${STARTED:-$EPOCHSECONDS}"
say() {
  local seconds=$((EPOCHSECONDS - STARTED))
  printf '\n==> [%d:%02d] %s\n' $((seconds / 60)) $((seconds % 60)) "$*" >&2
}
fail() { printf '\n!!! %s\n' "$*" >&2; exit 1; }
# Only programs count: one of our functions may have the same name.
has() { type -P "$1" >/dev/null; }

# Whether RESULT is missing or older than any of the files or folders that follow.
stale() {
  local result=$1; shift
  [ ! -e "$result" ] || [ -n "$(find "$@" -newer "$result" -print -quit)" ]
}

# Installs Debian or Ubuntu packages; called only when something is missing.
packages() {
  has apt-get || fail "please install: $* (this machine has no apt-get)"
  say "Installing Debian packages: $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# The version that Cargo.lock fixes for a crate.
locked() { awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }

# Builds a command line tool from crates.io into target/tools. Not optimised: building costs a third of the time, and a
# tool runs for a moment. A registry mirror may lack a version from the tool's lock file; the second try lets cargo choose.
tool() {
  local crate=$1 version=$2; shift 2
  local -x CARGO_PROFILE_RELEASE_OPT_LEVEL=0
  local install=(cargo install --quiet --root target/tools --target-dir target/tools/build --version "$version" "$crate" "$@")
  "${install[@]}" --locked 2>/dev/null || "${install[@]}" || fail "could not build $crate $version"
  rm -rf target/tools/build
}
