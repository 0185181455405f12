#!/usr/bin/env bash
# run.sh ADDRESS KEY METHODS [OPTION…]: runs all checks of Schemathesis on a running service that has these methods, separated by
# commas, with the settings in schemathesis.toml.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
need schemathesis 'test/clients/install.sh'
mkdir -p "$root/.cache/clients/fuzz"
cd "$root/.cache/clients/fuzz"
METHODS=$3 PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 FORCE_COLOR='' NO_COLOR=1 TERM=dumb exec schemathesis --config-file "$here/schemathesis.toml" run "$root/openapi.yaml" --url "$1" --header "Authorization: Bearer $2" "${@:4}"
