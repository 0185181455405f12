# shellcheck shell=bash
# Sourced by other scripts: creates root folders of a minimal Debian 12 whose package clients are configured like those of
# this machine. Needs root.
#
# The caller sets `work`, a folder for temporary files, and calls `remove_work` to remove it.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Installs the programs that are missing. Each program has the same name as its Debian package.
need_programs() {
  local program missing=()
  for program in "$@"; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "please install: ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Removes $work. Everything that is mounted below it is unmounted first, so that no files outside are removed.
remove_work() {
  local mounted
  while read -r mounted; do
    umount --lazy "$mounted" || true
  done < <(findmnt --list --noheadings --output TARGET | grep -F "${work:?}/" | sort --reverse)
  if findmnt --list --noheadings --output TARGET | grep -qF "${work:?}/"; then
    say "still mounted, not removed: ${work:?}"
    return
  fi
  rm -rf "${work:?}"
}

# make_root FOLDER [PACKAGE…]: installs the essential packages of Debian 12, apt, and the given packages.
make_root() {
  local root=$1 packages file option sources=() options=()
  shift
  packages=$(IFS=,; echo "$*")
  # On Debian 12 the package sources of this machine are used, elsewhere the default of mmdebstrap.
  if grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release; then
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
      [[ ! -s $file ]] || sources+=("$file")
    done
  fi
  while read -r option; do
    options+=(--aptopt="$option")
  done < <(apt-config dump --format '%F "%v";%n' Acquire | grep -E '^Acquire::(Check-|https?|Retries)' | grep -v ' "";$')
  mmdebstrap --quiet --variant=minbase "${options[@]}" ${packages:+"--include=$packages"} bookworm "$root" "${sources[@]}"
}

# put_node ROOT NODE_MAJOR NPM_MAJOR: installs Node and npm from the npm registry, at the paths of the official images.
put_node() {
  local root=$1 packages=${work:?}/node-$2 name
  name=node-linux-$(node -p process.arch)
  npm install --prefix "$packages" --silent --no-audit --no-fund "$name@$2" "npm@$3" >&2
  install -D -m 755 "$packages/node_modules/$name/bin/node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -a "$packages/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
}

# copy_client_settings ROOT: copies the settings of npm and pip on this machine: registries, certificates and indexes.
copy_client_settings() {
  local root=$1 file
  mkdir -p "$root/usr/local/etc"
  for setting in registry cafile; do
    file=$(cd / && npm config get "$setting" 2>/dev/null)
    [[ $file == null || $file == undefined ]] || printf '%s=%s\n' "$setting" "$file"
  done >"$root/usr/local/etc/npmrc"
  for file in /etc/pip.conf "${NODE_EXTRA_CA_CERTS:-}"; do
    [[ ! -f $file ]] || install -D -m 644 "$file" "$root$file"
  done
}

# Prints NAME=value for the variables that set certificates, proxies and indexes for clients on this machine.
client_environment() {
  env | grep -E '^([A-Z_]*(CA_BUNDLE|CA_CERTS|CAINFO|SSL_CERT_FILE|SSL_CERT_DIR|PIP_CERT)|PIP_[A-Z_]+|npm_config_(registry|cafile)|(https?|no|HTTPS?|NO)_(proxy|PROXY))=' || true
}
