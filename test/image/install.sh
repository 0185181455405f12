#!/usr/bin/env bash
# Installs what test/image/files.test.ts checks with into .cache/image. Run by with-image.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/../../.cache/image
stamp=$venv/requirements.txt

cmp -s "$here/requirements.txt" "$stamp" && exit 0
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
