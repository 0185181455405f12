#!/usr/bin/env bash
# run.sh PROGRAM ADDRESS EPISODE_FOLDER: PROGRAM is score or usage
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
built=$root/.cache/clients/java
exec java -cp "$built/classes:$(<"$built/classpath")" "${1^}" "${@:2}"
