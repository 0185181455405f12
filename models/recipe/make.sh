#!/usr/bin/env bash
# Trains topreward-pico from scratch: record, train, export, measure. Takes less than two hours on two cores. Seeds are fixed.
#   models/recipe/make.sh WORK_DIR [MODEL_DIR]
# The python in PATH needs the packages of requirements.txt.
set -euo pipefail
work=$(realpath -m "$1")
model=$(realpath -m "${2:-$(dirname "$0")/../topreward-pico}")
cd "$(dirname "$0")"
export MUJOCO_GL=osmesa

python record.py --out "$work/episodes"
python train_vision.py --data "$work/episodes" --out "$work/vision.pt"
python train_language.py --data "$work/episodes" --vision "$work/vision.pt" --out "$model"
python domain.py --data "$work/episodes" --model "$model"
python export.py "$model" --frame 128x128 --context 8192
python evaluate.py --data "$work/episodes" --model "$model" --calibrate
python evaluate.py --data "$work/episodes" --model "$model" --table "$work/held-out.md" --picture "$model/curves.svg"
