# What the scripts of all languages share; they source it.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${CLIENTS_VENV:-$root/.cache/clients/venv}
export PATH=$venv/bin:$PATH

# The folder that Debian's package of that name puts its jars into.
jakarta=/usr/share/java/jakarta-annotation-api.jar

# need TOOL WHERE-IT-COMES-FROM
need() {
  command -v "$1" >/dev/null && return
  printf '%s is missing: %s has it\n' "$1" "$2" >&2
  exit 1
}

# fresh LANGUAGE: an empty .cache/clients/LANGUAGE to work in, with the contract in it
fresh() {
  local folder=$root/.cache/clients/$1
  rm -rf "$folder"
  mkdir -p "$folder"
  cd "$folder"
  cp "$root/openapi.yaml" .
}
