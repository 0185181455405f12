#!/usr/bin/env bash
# Tries the project like a new user: a clean checkout of HEAD in a minimal Debian 12. It has git, Node and npm, but not
# ffmpeg, Chromium or Python. The steps run as a user without sudo (Node 22), then as root (Node 20), then as a user whose
# sudo needs no password. Needs root.
#
#   test/image/fresh.sh
#
# The complete output of each step is in .cache/fresh. The Debian system is removed at the end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
logs=$checkout/.cache/fresh
# shellcheck source=test/image/roots.sh
source "$here/roots.sh"

[[ $(id -u) == 0 ]] || fail 'needs root, to create a Debian system'
need_programs mmdebstrap
[[ -z $(git -C "$checkout" status --porcelain) ]] || say 'uncommitted changes are not tested'

# Not in /tmp: it needs about 3 GB, and /tmp may be in memory.
rm -rf "$logs"
mkdir -p "$logs"
work=$(mktemp -d "$checkout/.cache/fresh-XXXXXX")
debian=$work/debian
running=
# shellcheck disable=SC2317,SC2329 # the trap calls it
stop() {
  if [[ -n $running ]]; then
    kill -KILL "$running" 2>/dev/null || true
    wait "$running" || true
  fi
  remove_work
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# in_debian USER HOME COMMAND: runs a command in the Debian system, which shares only the network with this machine. All
# processes that the command starts end with it.
in_debian() {
  local environment=()
  mapfile -t environment < <(client_environment)
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    debian=$1 user=$2 home=$3
    shift 3
    mount -t proc proc "$debian/proc"
    mount --rbind /dev "$debian/dev"
    exec chroot --userspec="$user" --groups= "$debian" env --ignore-environment --chdir="$home" HOME="$home" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
  ' bash "$debian" "$1" "$2" "${environment[@]}" bash -c "$3" </dev/null &
  running=$!
  local status=0
  wait "$running" || status=$?
  running=
  return "$status"
}

# step NAME USER HOME COMMAND: sets `status`, `log` and `seconds`.
step() {
  log=$logs/$1.log
  printf '\n== %s\n' "$1: $4"
  local started=$SECONDS
  status=0
  in_debian "$2" "$3" "$4" >"$log" 2>&1 || status=$?
  seconds=$((SECONDS - started))
  printf 'exit code %d after %d s, log: %s\n' "$status" "$seconds" "$log"
  # Only this script may print a closing line, because tools add these lines up. The line of a step gets a prefix.
  sed -nE '/^failed: |; to run all tests, type: /p; s/^([0-9]+ passed, .*)/npm test: \1/p' "$log"
}

passed=0 failed=0
# check TITLE COMMAND…: counts the check as passed if the command succeeds.
check() {
  local title=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    printf 'ok   %s\n' "$title"
    return
  fi
  failed=$((failed + 1))
  printf 'FAIL %s\n' "$title"
  tail -n 5 "$log" | sed 's/^/     /'
}

# tally passed|failed|skipped: the number in the closing line of the last step.
tally() { grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 | grep -oE "[0-9]+ $1" | cut -d ' ' -f 1; }
installed() { dpkg-query --admindir="$debian/var/lib/dpkg" --show; }

started=$SECONDS
make_root "$debian" git ca-certificates
copy_client_settings "$debian"
# Debian's installer writes this file; mmdebstrap does not.
echo '127.0.0.1 localhost' >"$debian/etc/hosts"
chroot "$debian" useradd --uid 1000 --create-home --shell /bin/bash newcomer
git clone --quiet --no-hardlinks "$checkout" "$debian/root/topreward-server"
git clone --quiet --no-hardlinks "$checkout" "$debian/home/newcomer/topreward-server"
chown -R 1000:1000 "$debian/home/newcomer"
put_node "$debian" 22 10
say "Debian system: $((SECONDS - started)) s"

bare=$(installed)
home=/home/newcomer/topreward-server
step user-ci 1000:1000 "$home" 'node --version && npm ci --no-audit --no-fund'
check 'npm ci succeeds for a user, on Node 22' [ "$status" = 0 ]
step user-demo 1000:1000 "$home" 'npm run demo -- --once'
check 'npm run demo succeeds for a user' [ "$status" = 0 ]
step user-test 1000:1000 "$home" 'npm test'
check 'npm test succeeds for a user without sudo' [ "$status" = 0 ]
check 'no test fails' [ "$(tally failed)" = 0 ]
check 'tests are skipped because ffmpeg and Chromium are missing' [ "$(tally skipped)" -gt 0 ]
{ grep '^skipped: ' "$log" || true; } | cut -d : -f 2 | sort | uniq -c
check 'each skipped test is named' [ "$(grep -c '^skipped: ' "$log")" = "$(tally skipped)" ]
check 'one line says which command installs what is missing' [ "$(grep -cE 'To run all tests, install them with: .*apt-get install .*ffmpeg' "$log")" = 1 ]
check 'nothing is installed' [ "$(installed)" = "$bare" ]
step user-strict 1000:1000 "$home" 'CI=true npm test'
check 'with CI=true it exits with 1' [ "$status" = 1 ]

rm -r "$debian"/usr/local/bin/{node,npm,npx} "$debian/usr/local/lib/node_modules"
put_node "$debian" 20 10
step root-demo 0:0 /root/topreward-server 'node --version && npm ci --no-audit --no-fund && npm run demo -- --once'
check 'npm ci and npm run demo succeed for root, on Node 20' [ "$status" = 0 ]
step root-test 0:0 /root/topreward-server 'npm test'
check 'npm test succeeds for root' [ "$status" = 0 ]
check 'no test fails' [ "$(tally failed)" = 0 ]
check 'no test is skipped' [ "$(tally skipped)" = 0 ]

step sudo 0:0 / 'apt-get purge -qq -y ffmpeg && apt-get install -qq -y --no-install-recommends sudo'
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$debian/etc/sudoers.d/newcomer"
step sudo-test 1000:1000 "$home" 'npm test -- test/http/video.test.ts'
check 'npm test succeeds for a user with sudo' [ "$status" = 0 ]
check 'ffmpeg is installed by sudo' [ -x "$debian/usr/bin/ffmpeg" ]
check 'no test fails' [ "$(tally failed)" = 0 ]
check 'no test is skipped' [ "$(tally skipped)" = 0 ]

printf '\n%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
((failed == 0))
