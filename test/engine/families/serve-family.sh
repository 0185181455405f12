#!/usr/bin/env bash
# Serves a checkpoint of make_family.py with vLLM on the CPU, in float32 and with its own chat template.
#
#   MODEL_DIR=DIR PORT=8123 test/engine/families/serve-family.sh
#
# More arguments are passed to vllm serve. Variables and signals: see ../serve.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export TEMPLATE=stock VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-2}
# The context of the model itself: SmolVLM has 8,192 tokens.
exec "$here/../serve.sh" --max-model-len auto --limit-mm-per-prompt '{"image": {"count": 128, "width": 256, "height": 256}, "video": 0}' "$@"
