#!/usr/bin/env bash
# Installs the Python environment of `npm run test:clients`, with the fuzzer and the generators, in .cache/clients/venv.
# With --check it installs nothing; the exit code is 0 if the environment is up to date.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/environment.sh"
stamp=$venv/requirements.txt

cmp -s "$here/requirements.txt" "$stamp" && exit 0
[[ ${1-} != --check ]] || exit 1
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
