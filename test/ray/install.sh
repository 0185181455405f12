#!/usr/bin/env bash
# Creates .cache/ray, a Python environment with Ray Data: 640 MB.
# `npm run test:cluster` runs this script if the environment is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/ray

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/python" -m pip --quiet --disable-pip-version-check install -r test/ray/requirements.txt
