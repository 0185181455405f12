#!/usr/bin/env bash
# Serves the checkpoint of the tests with vLLM on the CPU, in float32.
#
#   PORT       default 8000, on 127.0.0.1
#   MODEL_DIR  default models/topreward-pico
#   TEMPLATE   a template file, or "stock" for the template of the checkpoint
#   VLLM_VENV  default .cache/vllm
#
# More arguments are passed to vllm serve. SIGTERM to this process ends vLLM and
# all its children.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${VLLM_VENV:-$root/.cache/vllm}
model=${MODEL_DIR:-$root/models/topreward-pico}
template=${TEMPLATE:-$root/docker/vllm/chat_template.jinja}

arguments=(
  --served-model-name topreward-test
  --host 127.0.0.1
  --port "${PORT:-8000}"
  # A comparison with a tolerance of 1e-4 needs float32.
  --dtype float32
  --enforce-eager
  # 500 blocks of about 74 tokens are 37,000.
  --max-model-len 40960
  # CPU attention needs a multiple of 32.
  --block-size 32
  --enable-prompt-tokens-details
  # These sizes keep the profiling run at the start small. Without them it uses
  # one item as large as the context allows.
  --limit-mm-per-prompt '{"image": {"count": 128, "width": 256, "height": 256}, "video": {"count": 600, "num_frames": 2, "width": 256, "height": 256}}'
  # As in docker/vllm/start.sh: JSON without spaces.
  --structured-outputs-config '{"backend": "xgrammar", "disable_any_whitespace": true}'
  # In GiB: about 2,700 pairs of 256x256. The default of 4 is more than a test needs.
  --mm-processor-cache-gb 1
  # Keep every frame of an item. By default vLLM drops frames of longer videos, but
  # never of pairs.
  --media-io-kwargs '{"video": {"num_frames": -1}}'
)
if [[ $template != stock ]]; then
  arguments+=(--chat-template "$template")
fi

export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1} # GiB: 262,144 tokens
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1

# By default vLLM compiles its log-probability code on the first request, which takes
# 10 to 20 s and needs a C++ compiler. Without this it is fast enough for tests.
export TORCHDYNAMO_DISABLE=1

# exec is not used here: until vLLM has started it ignores SIGTERM, and its EngineCore
# and Worker would go on loading. In a separate process group the shell can end them
# all.
set -m
"$venv/bin/vllm" serve "$model" "${arguments[@]}" "$@" &
vllm=$!
set +m

# shellcheck disable=SC2329 # the traps call it
stop() {
  trap '' TERM INT HUP
  kill -TERM "$vllm" 2>/dev/null || true
  for _ in {1..40}; do # a started vLLM ends within 3 s
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
