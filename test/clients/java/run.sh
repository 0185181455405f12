#!/usr/bin/env bash
# run.sh ADDRESS EPISODE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
built=$root/.cache/clients/java
exec java -cp "$built/classes:$(<"$built/classpath")" Usage "$@"
