#!/usr/bin/env bash
# Installs what `npm run test:clients` needs beside npm's packages: Debian's Go, Java and one jar, and a Python environment
# with the fuzzer and the generators in .cache/clients/venv. Run by .ci/run; the tests themselves install nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/environment.sh"
stamp=$venv/requirements.txt

packages=()
command -v go >/dev/null || packages+=(golang-go)
command -v javac >/dev/null || packages+=(openjdk-17-jdk-headless)
[[ -f $jakarta ]] || packages+=(libjakarta-annotation-api-java)
# Debian splits venv off Python.
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if ((${#packages[@]})); then
  printf 'installing Debian packages: %s\n' "${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

cmp -s "$here/requirements.txt" "$stamp" && exit 0
printf 'installing %s\n' "$venv"
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
