# Sourced by the scripts beside it: where things are, what is pinned, how a download is made and believed, and one way to say what went wrong.
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

fetch() { # URL FILE
  curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --max-time 600 --output "$2" "$1"
}

# Goes on only if the signature of that file is good and by that one key. The keyring is made for this question and holds nothing else
# than the key file given, which may come from anywhere: its fingerprint is what is pinned. (A key that has expired since it signed is
# as good as it was.)
must_be_signed() { # FILE SIGNATURE KEY_FILE FINGERPRINT
  local home verdict=no
  home=$(mktemp -d)
  if gpg --homedir "$home" --batch --quiet --import "$3" 2> "$home/said" &&
    gpg --homedir "$home" --batch --status-fd 3 --verify "$2" "$1" 3> "$home/status" 2>> "$home/said" &&
    grep -qE "^\[GNUPG:\] VALIDSIG ($4 .*|.* $4)\$" "$home/status"; then verdict=yes; fi
  if [ "$verdict" = no ]; then cat "$home/said" >&2; fi
  rm -rf "$home"
  [ "$verdict" = yes ] || die "$(basename "$1") has no good signature by the pinned key $4."
}
