#!/usr/bin/env bash
# Writes src/topreward/_contract.py from openapi.yaml. PYTHON has the packages of requirements-dev.txt.
set -euo pipefail
cd "$(dirname "$0")"

"${PYTHON:-python3}" generate.py "${1:-src/topreward/_contract.py}"
