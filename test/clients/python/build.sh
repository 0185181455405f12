#!/usr/bin/env bash
# Generates the client into .cache/clients/python.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
need openapi-python-client 'test/clients/install.sh'
fresh python

openapi-python-client generate --path openapi.yaml --output-path topreward-client
# Versions 0.28 and 0.29 omit this import if an operation accepts two kinds of body.
sed -i 's/^from ...types import .*/&, Unset/' topreward-client/topreward_server_client/api/*/*.py
