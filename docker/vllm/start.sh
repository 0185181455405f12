#!/usr/bin/env bash
# Starts vLLM on a GPU as topreward-server wants it.
#
#   MODEL            default Qwen/Qwen3-VL-8B-Instruct
#   HOST, PORT       default 127.0.0.1, 8000
#   MAX_MODEL_LEN    tokens of the longest episode; default 32768
#   MAX_REQUESTS     requests in flight before vLLM answers 503; default 256
#   ITEM_CACHE_GB    memory for processed pairs of frames; default 4
#   TENSOR_PARALLEL  GPUs for one copy of the model; default 1
#
# Further arguments go to vllm serve.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

arguments=(
  # vLLM believes every request: any text, any media, any uuid in a cache that
  # all callers share. Only topreward-server may reach it.
  --host "${HOST:-127.0.0.1}"
  --port "${PORT:-8000}"

  # Renders a video item as a bare <|video_pad|>, so that one item per pair of
  # frames gives the paper's token ids. Without it the layout is nested and
  # topreward-server says so.
  --chat-template "$here/chat_template.jinja"

  # 32768 tokens are about 440 pairs of frames at 64 tokens each: 7 minutes at
  # two frames a second. The model's own limit, 262144, would reserve KV memory
  # for prompts that nobody sends.
  --max-model-len "${MAX_MODEL_LEN:-32768}"

  # One item is one pair of frames. The sizes are only what the start-up
  # profiling run makes up; without them it builds the largest video the context
  # holds. Larger frames are still accepted. No images are ever sent.
  --limit-mm-per-prompt '{"image": 0, "video": {"count": 999, "num_frames": 2, "width": 256, "height": 256}}'

  # What makes an episode's prefixes cheap: shared KV blocks, and processed
  # items that a later request names by uuid. A pair of 256x256 takes 0.4 MB
  # here, so 4 GiB hold some 10,000. It must hold several of the longest
  # episodes: a request with more items than fit is answered once, then 500.
  --enable-prefix-caching
  --mm-processor-cache-gb "${ITEM_CACHE_GB:-4}"

  # The item cache is one per API process: with two, a uuid is unknown in every
  # second request and its data must be sent again. Scale by replicas instead.
  --api-server-count 1

  # Two flags were tried for the CPU that one API process costs and left out: on two cores neither
  # --renderer-num-workers 4 (0.29 s of an episode's 64 frames instead of 0.32, the time of 16 episodes at once the
  # same) nor --mm-processor-cache-type shm (0.34 s) gained more than runs differ by.

  # usage.prompt_tokens_details.cached_tokens: what a request really computed.
  --enable-prompt-tokens-details

  # The queue has no end by default. 503 lets the caller be told.
  --max-num-queued-reqs "${MAX_REQUESTS:-256}"

  # Media come as data URLs. A domain that cannot exist closes http and https;
  # local files are closed unless a path is allowed.
  --allowed-media-domains none.invalid

  # The log-probability of the model itself, before sampling has its say. It is
  # the default, written down because every number depends on it; so is leaving
  # out the checkpoint's own sampling settings (top_p, top_k, penalties).
  --logprobs-mode raw_logprobs
  --generation-config vllm

  --tensor-parallel-size "${TENSOR_PARALLEL:-1}"
  --disable-access-log-for-endpoints "/health,/metrics"
)

export VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
exec vllm serve "${MODEL:-Qwen/Qwen3-VL-8B-Instruct}" "${arguments[@]}" "$@"
