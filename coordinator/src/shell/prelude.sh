# This needs bash, the AWS CLI, and `faultline` on the path or in $FAULTLINE. It ends at the
# first command that does not end as the scenario says.
set -euo pipefail
export AWS_PAGER= AWS_MAX_ATTEMPTS=1
faultline() { "${FAULTLINE:-faultline}" "$@"; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; faultline fault heal >"/dev/null" 2>&1' EXIT

# A world with tables takes its time to be made.
until variables=$(faultline env --front 2>"$tmp/problem"); do
  ((SECONDS < 300)) || {
    cat "$tmp/problem" >&2
    exit 1
  }
  sleep 1
done
eval "$variables"

step() { printf '%s\n' "$*" >&2; }

# as WHO COMMAND: with the credentials of a principal of the world.
as() (
  variables=$(faultline env --front --principal "$1") || exit 1
  eval "$variables"
  shift
  "$@"
)

# refused CODE COMMAND: it must end with that error; any error when the code is empty.
refused() {
  local code=$1 said
  shift
  if said=$("$@" 2>&1); then
    printf 'not refused: %s\n' "$said" >&2
    return 1
  fi
  if [ "$code" ] && [[ $said != *"($code)"* ]]; then
    printf 'refused in another way than %s: %s\n' "$code" "$said" >&2
    return 1
  fi
  printf '  refused, as it must be: %s\n' "${said##*$'\n'}" >&2
}

# is TEXT COMMAND: it must answer that.
is() {
  local wanted=$1 got
  shift
  got=$("$@") || return 1
  [ "$got" = "$wanted" ] || {
    printf 'wanted %s, got %s\n' "$wanted" "$got" >&2
    return 1
  }
}

# within SECONDS COMMAND: it may take that long to end well.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>"$tmp/problem"; do
    ((SECONDS < end)) || {
      cat "$tmp/problem" >&2
      return 1
    }
    sleep 0.5
  done
}
