#!/usr/bin/env bash
# Serves the tests' checkpoint with vLLM on the CPU, in float32.
#
#   PORT       default 8000, on 127.0.0.1
#   MODEL_DIR  default models/topreward-pico
#   TEMPLATE   a template file, or "stock" for the checkpoint's own
#   VLLM_VENV  default .cache/vllm
#
# Further arguments go to vllm serve. SIGTERM to this process ends vLLM and all
# its children.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${VLLM_VENV:-$root/.cache/vllm}
model=${MODEL_DIR:-$root/models/topreward-pico}
template=${TEMPLATE:-$root/docker/vllm/chat_template.jinja}

arguments=(
  --served-model-name topreward-test
  --host 127.0.0.1
  --port "${PORT:-8000}"
  # Float32 is what makes a comparison to 1e-4 mean something.
  --dtype float32
  --enforce-eager
  # 500 blocks of about 74 tokens are 37,000.
  --max-model-len 40960
  # CPU attention wants a multiple of 32.
  --block-size 32
  --enable-prompt-tokens-details
  # Sizes keep the start-up profiling run small: without them it makes up one
  # item as large as the context allows.
  --limit-mm-per-prompt '{"image": 0, "video": {"count": 600, "num_frames": 2, "width": 256, "height": 256}}'
  # GiB; some 2,700 pairs of 256x256. The default of 4 is more than a test needs.
  --mm-processor-cache-gb 1
  # Keep every frame of an item. Pairs are never cut, longer videos would be.
  --media-io-kwargs '{"video": {"num_frames": -1}}'
)
if [[ $template != stock ]]; then
  arguments+=(--chat-template "$template")
fi

export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1} # GiB: 262,144 tokens
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1

# vLLM compiles its log-probability code on the first request: 10 to 20 s, and a
# C++ compiler must be there. Uncompiled it is fast enough here.
export TORCHDYNAMO_DISABLE=1

# vLLM is not exec'd: until it has started it does not heed SIGTERM, and its
# EngineCore and Worker would go on loading. A process group of its own lets the
# shell end them all.
set -m
"$venv/bin/vllm" serve "$model" "${arguments[@]}" "$@" &
vllm=$!
set +m

# shellcheck disable=SC2329 # the traps call it
stop() {
  trap '' TERM INT HUP
  kill -TERM "$vllm" 2>/dev/null || true
  for _ in {1..40}; do # it takes 3 s once it serves
    kill -0 -- "-$vllm" 2>/dev/null || exit "$1"
    sleep 0.2
  done
  kill -KILL -- "-$vllm" 2>/dev/null || true
  exit "$1"
}
trap 'stop 143' TERM HUP
trap 'stop 130' INT

status=0
wait "$vllm" || status=$?
kill -KILL -- "-$vllm" 2>/dev/null || true # children of a vLLM that crashed
exit "$status"
