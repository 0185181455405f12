#!/usr/bin/env bash
# run.sh PROGRAM ADDRESS EPISODE_FOLDER: PROGRAM is score or usage
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
exec "$root/node_modules/.bin/node" "$root/.cache/clients/typescript/$1.ts" "${@:2}"
