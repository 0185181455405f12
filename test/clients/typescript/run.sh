#!/usr/bin/env bash
# run.sh ADDRESS EPISODE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
exec "$root/node_modules/.bin/node" "$root/.cache/clients/typescript/usage.ts" "$@"
