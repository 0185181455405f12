#!/usr/bin/env bash
# Serves a checkpoint of make_checkpoint.py with vLLM on the CPU, in bfloat16.
#
#   MODEL_DIR=DIR PORT=8123 test/engine/hybrid/serve-hybrid.sh
#
# More arguments are passed to vllm serve. Variables and signals: see ../serve.sh. README.md says what the flags do.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../serve.sh" --dtype bfloat16 --max-num-batched-tokens 544 --prefix-cache-retention-interval 544 \
  --prefix-match-unit 136 "$@"
