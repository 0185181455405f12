#!/usr/bin/env bash
# run.sh ADDRESS EPISODE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
PYTHONPATH=$root/.cache/clients/python/topreward-client exec python -W error "$here/usage.py" "$@"
