#!/usr/bin/env bash
# Creates .cache/lerobot, a Python environment with lerobot 0.4.4, a torch for the CPU and Rerun: 2.0 GB.
# `npm run test:lerobot` runs this script if the environment is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/lerobot
requirements=test/lerobot/requirements.txt

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
# torch's own requirements are small in its build for the CPU. torchvision and lerobot would bring the CUDA build back.
grep -Ev '^(#|lerobot|torchvision)' "$requirements" >"$venv/others.txt"
pip install -r "$venv/others.txt" || {
  echo 'install: pip failed. The +cpu builds of torch may need PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS.' >&2
  exit 1
}
grep -E '^(lerobot|torchvision)' "$requirements" >"$venv/alone.txt"
pip install --no-deps -r "$venv/alone.txt"
