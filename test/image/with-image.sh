#!/usr/bin/env bash
# Builds docker/Dockerfile without a Docker daemon, and runs a command that uses the image. Needs root.
#
#   test/image/with-image.sh tap run test/image/image.test.ts
#
# The command gets these environment variables:
#   IMAGE_ROOT    folder with the files of the image, for run-in-image.sh
#   IMAGE_CONFIG  JSON file whose member Docker.config has User, Env, Cmd, Healthcheck and so on
#   VLLM_VENV     Python environment with the vLLM version of compose.yaml, built for the CPU
#
# Base images cannot be pulled everywhere. Therefore node:24-bookworm-slim is built from the same parts: packages of Debian
# and Node from npm. All files are in one temporary folder that is removed at the end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=test/image/roots.sh
source "$here/roots.sh"

(($#)) || {
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 2
}
[[ $(id -u) == 0 ]] || fail 'needs root: buildah with chroot isolation, and mounts'
need_programs buildah mmdebstrap

export VLLM_VENV=${VLLM_VENV:-$root/.cache/vllm}
"$root/docker/vllm/cpu-install.sh"
"$here/install.sh"

# Not in /tmp: the files of buildah need about 4 GB, and /tmp may be in memory.
mkdir -p "$root/.cache"
work=$(mktemp -d "$root/.cache/image-XXXXXX")
command=
# shellcheck disable=SC2317,SC2329 # the trap calls it
stop() {
  if [[ -n $command ]]; then
    kill -TERM "$command" 2>/dev/null || true
    wait "$command" || true
  fi
  remove_work
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
took() { say "$1: $((SECONDS - started)) s"; }

started=$SECONDS
make_root "$work/base"
put_node "$work/base" 24 11
node_version=$("$work/base/usr/local/bin/node" -p process.versions.node)
copy_client_settings "$work/base"
# The other parts of the official image: its user, its variables and an entrypoint that passes options and scripts to Node.
echo 'node:x:1000:1000::/home/node:/bin/bash' >>"$work/base/etc/passwd"
echo 'node:x:1000:' >>"$work/base/etc/group"
install -d -m 755 -o 1000 -g 1000 "$work/base/home/node"
cat >"$work/base/usr/local/bin/docker-entrypoint.sh" <<'SCRIPT'
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ] || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node "$@"
fi
exec "$@"
SCRIPT
chmod 755 "$work/base/usr/local/bin/docker-entrypoint.sh"
took 'files of the base image'

started=$SECONDS
base=$(build from scratch)
build add --quiet "$base" "$work/base" / >/dev/null
settings=(--env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd node)
settings+=(--env "NODE_VERSION=$node_version" --env YARN_VERSION=1.22.22 --entrypoint '["docker-entrypoint.sh"]')
# Only for npm ci in the build, if the registry has its own certificate.
[[ -z ${NODE_EXTRA_CA_CERTS:-} ]] || settings+=(--env "NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS")
build config "${settings[@]}" "$base"
build commit --quiet --rm --format docker "$base" localhost/node:24-bookworm-slim >/dev/null
rm -rf "$work/base"
took 'base image'

started=$SECONDS
# Only Docker's image format has HEALTHCHECK.
build bud --isolation chroot --pull-never --format docker --tag localhost/topreward-server \
  --file "$root/docker/Dockerfile" "$root" >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log" >&2
  fail 'docker/Dockerfile does not build'
}
took 'docker/Dockerfile'
say "size: $(build images --format '{{.Name}} {{.Size}}' | tr '\n' ',')"

IMAGE_CONFIG=$work/config.json
build inspect --type image localhost/topreward-server >"$IMAGE_CONFIG"
container=$(build from --pull-never localhost/topreward-server)
IMAGE_ROOT=$(build mount "$container")
export IMAGE_CONFIG IMAGE_ROOT

# In the background, because bash runs a trap only after the foreground command has ended.
"$@" <&0 &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"
