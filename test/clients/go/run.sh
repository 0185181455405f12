#!/usr/bin/env bash
# run.sh PROGRAM ADDRESS EPISODE_FOLDER: PROGRAM is score or usage
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
exec "$root/.cache/clients/go/bin/$1" "${@:2}"
