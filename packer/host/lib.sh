# Sourced by the scripts beside it: where things are, what is pinned, and one way to say what went wrong.
# shellcheck shell=bash
# shellcheck disable=SC2034  # used by whoever sources this
PACKER=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(dirname "$PACKER")
# The same cache folder as the end-to-end lab's, so that several checkouts can share one.
CACHE=${LAB_CACHE_DIR:-$REPOSITORY/.cache}/image

set -a
# shellcheck source=/dev/null
source "$PACKER/versions.env"
set +a

die() {
  printf '%s\n' "$*" >&2
  exit 1
}
