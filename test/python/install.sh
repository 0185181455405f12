#!/usr/bin/env bash
# Creates .cache/python, a Python environment with the requirements of the examples. `npm run test:python` runs this script
# if the environment is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 -m venv .cache/python
.cache/python/bin/pip install --quiet --disable-pip-version-check -r examples/python/requirements.txt
