#!/usr/bin/env bash
# Installs the tools of test/image/files.test.ts into .cache/image. with-image.sh runs this script.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/../../.cache/image
stamp=$venv/requirements.txt

cmp -s "$here/requirements.txt" "$stamp" && exit 0
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
