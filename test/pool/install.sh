#!/usr/bin/env bash
# Creates .cache/router with vllm-router, a router in front of several vLLM servers.
#
#   test/pool/install.sh --check   exits with 0 if it is there, in this version
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/router
version=0.1.17

installed() {
  [[ -x $venv/bin/vllm-router ]] &&
    "$venv/bin/python" -c "from importlib.metadata import version as v; raise SystemExit(v('vllm-router') != '$version')"
}

if [[ ${1-} == --check ]]; then
  installed
  exit
fi
python3 -m venv "$venv"
"$venv/bin/python" -m pip --quiet --disable-pip-version-check install "vllm-router==$version"
installed
