#!/usr/bin/env bash
# Starts a SLURM cluster with one node on this machine, runs a command with SLURM_CONF, and stops the cluster. Everything that
# it writes is in a temporary folder. It uses no settings of an installed SLURM, and needs no root.
#
#   test/slurm/with-slurm.sh COMMAND…
set -euo pipefail
PATH=$PATH:/usr/sbin

folder=$(mktemp -d /tmp/slurm-XXXXXX)
chmod 755 "$folder" # munged refuses a socket that others cannot reach
pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

free_ports() {
  python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in sockets))'
}

# Waits up to 30 s until a command succeeds.
until_ready() {
  for _ in {1..150}; do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "with-slurm: not ready: $*" >&2
  tail -n 20 "$folder"/*.log >&2
  return 1
}

head -c 1024 /dev/urandom >"$folder/munge.key"
chmod 400 "$folder/munge.key"
munged --foreground --force --num-threads=2 --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munged.pid" --seed-file="$folder/munge.seed" --log-file="$folder/munged.log" \
  >"$folder/munged.out.log" 2>&1 &
pids+=($!)
until_ready test -S "$folder/munge.socket"

read -r controller_port node_port < <(free_ports)
user=$(id -un)
host=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf
# No cgroups: they need rights that a container does not have. More CPUs than there are, so that the tasks run at once.
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$controller_port
SlurmdPort=$node_port
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=node NodeHostname=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP
CONF
mkdir "$folder/state" "$folder/spool"
slurmctld -D >"$folder/slurmctld.out.log" 2>&1 &
pids+=($!)
slurmd -D -N node >"$folder/slurmd.out.log" 2>&1 &
pids+=($!)
is_idle() { [[ $(sinfo --noheader --format=%T) == idle ]]; }
until_ready is_idle

"$@"
