#!/usr/bin/env bash
# Creates .cache/python, a Python environment with the package in clients/python, built as a wheel, and with what its tests
# and the examples need. `npm run test:python` runs this script if the environment is missing or the package has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/python
wheels=$venv/wheels

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install -r clients/python/requirements-dev.txt -r examples/python/requirements.txt
rm -rf "$wheels"
pip wheel --no-deps --no-build-isolation --wheel-dir "$wheels" clients/python
pip install --no-deps --force-reinstall "$wheels"/topreward_client-*.whl
