#!/usr/bin/env bash
# run.sh ADDRESS EPISODE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
exec "$root/.cache/clients/go/usage" "$@"
