# shellcheck shell=bash
# Sourced: makes bare Debian 12 roots whose package clients are set up as this machine's are. Needs root.
#
# The caller sets `work`, a folder for temporary files, and removes it with `remove_work`.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Installs the programs that are missing; each has the name of its Debian package.
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

# Unmounts and removes $work. What is mounted below it is unmounted first, so that nothing outside is removed with it.
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

# make_root FOLDER [PACKAGE…]: Debian 12's essential packages, apt, and those named.
make_root() {
  local root=$1 packages file option sources=() options=()
  shift
  packages=$(IFS=,; echo "$*")
  # A Debian 12 knows where its packages come from. Elsewhere mmdebstrap's default is taken.
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

# put_node ROOT NODE_MAJOR NPM_MAJOR: Node and npm from the npm registry, where the official images have them.
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

# copy_client_settings ROOT: the registries, certificates and local indexes of this machine's npm and pip.
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

# Prints NAME=value of the variables by which this machine's clients find certificates, proxies and indexes.
client_environment() {
  env | grep -E '^([A-Z_]*(CA_BUNDLE|CA_CERTS|CAINFO|SSL_CERT_FILE|SSL_CERT_DIR|PIP_CERT)|PIP_[A-Z_]+|npm_config_(registry|cafile)|(https?|no|HTTPS?|NO)_(proxy|PROXY))=' || true
}
