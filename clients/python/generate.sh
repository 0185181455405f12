#!/usr/bin/env bash
# Writes src/topreward/_contract.py from openapi.yaml. It uses the environment that test/python/install.sh makes, or PYTHON: a
# Python with the packages of requirements-dev.txt.
set -euo pipefail
cd "$(dirname "$0")"

"${PYTHON:-../../.cache/python/bin/python}" generate.py "${1:-src/topreward/_contract.py}"
