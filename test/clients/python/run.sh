#!/usr/bin/env bash
# run.sh PROGRAM ADDRESS EPISODE_FOLDER: PROGRAM is score or usage
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
PYTHONPATH=$root/.cache/clients/python/topreward-client exec python -W error "$here/$1.py" "${@:2}"
