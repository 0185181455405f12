#!/usr/bin/env bash
# Makes .cache/python, a Python with what the examples need; `npm run test:python` runs it where that is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 -m venv .cache/python
.cache/python/bin/pip install --quiet --disable-pip-version-check -r examples/python/requirements.txt
