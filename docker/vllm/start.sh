#!/usr/bin/env bash
# Starts vLLM on a GPU with the flags that topreward-server needs.
#
#   MODEL            default Qwen/Qwen3-VL-8B-Instruct
#   HOST, PORT       default 127.0.0.1, 8000
#   MAX_MODEL_LEN    tokens of the longest episode; default 32768
#   MAX_REQUESTS     requests in flight before vLLM answers 503; default 256
#   ITEM_CACHE_GB    GiB of memory for the item cache; default 4
#   TENSOR_PARALLEL  GPUs for one copy of the model; default 1
#   FRAMES           pairs (default), or images: how the MODEL_PROFILE of topreward-server sends frames
#
# Further arguments are passed to vllm serve.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

arguments=(
  # vLLM trusts every request: any text, any media, any uuid in a cache that all
  # callers share. Only topreward-server may reach it.
  --host "${HOST:-127.0.0.1}"
  --port "${PORT:-8000}"

  # 32768 tokens are about 440 blocks at 64 tokens each: 7 minutes at 2 fps. The
  # model's own limit, 262144, would reserve KV memory for prompts that do not
  # occur.
  --max-model-len "${MAX_MODEL_LEN:-32768}"

  # If a text must be JSON, it has no spaces and no new lines. By default a model
  # may write any number of them: a random one wrote them up to the token limit.
  --structured-outputs-config '{"backend": "xgrammar", "disable_any_whitespace": true}'

  # The two caches avoid repeated work for the prefixes of an episode: the prefix
  # cache (KV blocks), and the item cache, whose items a later request names by
  # uuid. A block of 256x256 takes 0.4 MB, so 4 GiB hold about 10,000 blocks.
  # ITEM_CACHE_GB must hold several of the longest episodes: if a request has more
  # items than fit, vLLM responds to it once, and then with 500.
  --enable-prefix-caching
  --mm-processor-cache-gb "${ITEM_CACHE_GB:-4}"

  # Each API process has its own item cache: with two, a uuid is unknown in every
  # second request, and its data must be sent again. Scale with replicas instead.
  --api-server-count 1

  # Two flags for the CPU load of the one API process were measured and left out. On two cores, the difference was within
  # the variation between runs: --renderer-num-workers 4 (0.29 s instead of 0.32 s for an episode of 64 frames; the same
  # time for 16 episodes at once) and --mm-processor-cache-type shm (0.34 s).

  # Adds usage.prompt_tokens_details.cached_tokens: the tokens that were not computed again.
  --enable-prompt-tokens-details

  # By default, the queue is unlimited. With a limit, vLLM responds 503 and the caller can retry.
  --max-num-queued-reqs "${MAX_REQUESTS:-256}"

  # Media are sent as data URLs. A domain that cannot exist disables http and
  # https URLs. Local files are disabled unless a path is allowed.
  --allowed-media-domains none.invalid

  # Log probabilities of the model, before sampling settings change them. This is
  # the default, set here because every result depends on it. For the same reason
  # the sampling settings of the checkpoint (top_p, top_k, penalties) are not used.
  --logprobs-mode raw_logprobs
  --generation-config vllm

  --tensor-parallel-size "${TENSOR_PARALLEL:-1}"
  --disable-access-log-for-endpoints "/health,/metrics"
)

# The sizes of items are only for the profiling run at start: without them, vLLM
# builds the largest video and image that fit into the context. Larger frames are
# still accepted.
case ${FRAMES:-pairs} in
  pairs)
    arguments+=(
      # Renders a video item as only <|video_pad|>, so that one item per block gives
      # the reference's token IDs. Without it the layout is nested, and responses of
      # topreward-server have a warning.
      --chat-template "$here/chat_template.jinja"

      # One item is one block. Images are for prompts after which the model writes a
      # text: 128 of 256x256 are 8,448 tokens. The profiling run takes only the kind
      # of item with the most tokens, here videos, so images cost nothing there: with
      # 0, 128 and 999 of them, start time and memory on a CPU were the same.
      --limit-mm-per-prompt '{"image": {"count": 128, "width": 256, "height": 256}, "video": {"count": 999, "num_frames": 2, "width": 256, "height": 256}}'
    )
    ;;
  images)
    # One item is one frame. The chat template is the model's own.
    arguments+=(--limit-mm-per-prompt '{"image": {"count": 999, "width": 256, "height": 256}, "video": 0}')
    ;;
  *)
    echo "FRAMES must be pairs or images, not $FRAMES" >&2
    exit 2
    ;;
esac

export VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
exec vllm serve "${MODEL:-Qwen/Qwen3-VL-8B-Instruct}" "${arguments[@]}" "$@"
