# Common settings and functions. The scripts of all languages source this file.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${CLIENTS_VENV:-$root/.cache/clients/venv}
export PATH=$venv/bin:$PATH

# The jar of Debian's package libjakarta-annotation-api-java.
jakarta=/usr/share/java/jakarta-annotation-api.jar

# need TOOL SOURCE: ends with an error if the tool is missing
need() {
  command -v "$1" >/dev/null && return
  printf '%s is missing. To install it: %s\n' "$1" "$2" >&2
  exit 1
}

# fresh LANGUAGE: empties .cache/clients/LANGUAGE, changes to it, and copies the contract into it
fresh() {
  local folder=$root/.cache/clients/$1
  rm -rf "$folder"
  mkdir -p "$folder"
  cd "$folder"
  cp "$root/openapi.yaml" .
}
