#!/usr/bin/env bash
# Labels a LeRobot dataset with a SLURM array, and merges when all its tasks have succeeded. Prints the number of the last job.
# All nodes need the folder of the dataset.
#
#   examples/slurm/label-dataset.sh /shared/my-dataset --camera observation.images.top --url http://topreward:8080
set -euo pipefail
here=$(dirname "$0")
root=$1
shift

array=$(sbatch --parsable "$here/annotate.sbatch" --root "$root" "$@")
sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes \
  --job-name=topreward-merge --output=topreward-merge-%j.log \
  --wrap "topreward merge $(printf %q "$root/topreward_progress.parts")"
