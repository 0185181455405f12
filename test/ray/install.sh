#!/usr/bin/env bash
# Creates .cache/ray, a Python environment with Ray Data: 640 MB.
# `npm run test:cluster` runs this script if the environment is missing.
#
#   test/ray/install.sh --check   exits with 0 if nothing is missing
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/ray
requirements=test/ray/requirements.txt

if [[ ${1:-} == --check ]]; then
  exec "$venv/bin/python" - "$requirements" <<'PY'
import sys
from importlib.metadata import version

lines = [line.strip().split("==") for line in open(sys.argv[1]) if "==" in line]
sys.exit(any(version(name) != wanted for name, wanted in lines))
PY
fi

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/python" -m pip --quiet --disable-pip-version-check install -r "$requirements"
