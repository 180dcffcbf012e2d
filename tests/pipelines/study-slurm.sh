#!/usr/bin/env bash
# pipelines/study on a cluster: Slurm, started here as ordinary processes on one
# node, runs a tiny study's jobs, and a failing one is named.
#
#   study-slurm.sh SOURCE-ROOT SEED-VGG19
set -euo pipefail
run=$1/pipelines/study/run.sh
profile=$1/pipelines/study/slurm
seed=$(realpath "$2")

skip() { printf '%s\n' "$*"; exit 77; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
for program in munged slurmctld slurmd sbatch snakemake; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || skip "no $program (setup.sh --all)"
done
PATH=$PATH:/usr/sbin

scratch=$(mktemp -d)
stop() {
  kill "${slurmd-}" "${slurmctld-}" "${munged-}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT
chmod 755 "$scratch" # munged wants others to reach its socket
node=$(hostname -s)
read -r port other < <(/usr/bin/python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for each in sockets: each.bind(("", 0))
print(*(each.getsockname()[1] for each in sockets))')

export SLURM_CONF=$scratch/slurm.conf
cat >"$SLURM_CONF" <<END
ClusterName=study
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$other
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
CredType=cred/munge
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=study Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
mkdir "$scratch/state" "$scratch/spool"

(umask 077; head -c 128 /dev/urandom >"$scratch/munge.key")
munged --foreground --socket="$scratch/munge.socket" --key-file="$scratch/munge.key" \
  --pid-file="$scratch/munge.pid" --log-file="$scratch/munge.log" \
  --seed-file="$scratch/munge.seed" >"$scratch/munged.txt" 2>&1 &
munged=$!
for _ in {1..50}; do
  [ ! -S "$scratch/munge.socket" ] || break
  sleep 0.1
done
[ -S "$scratch/munge.socket" ] || skip "munged does not start: $(tail -1 "$scratch/munged.txt")"
slurmctld -D >"$scratch/slurmctld.txt" 2>&1 &
slurmctld=$!
slurmd -D -N "$node" >"$scratch/slurmd.txt" 2>&1 &
slurmd=$!
for _ in {1..100}; do
  state=$(sinfo --noheader --format=%t 2>/dev/null || true)
  [ "$state" != idle ] || break
  sleep 0.2
done
[ "$state" = idle ] || skip "Slurm does not start: $(tail -1 "$scratch/slurmctld.txt") \
$(tail -1 "$scratch/slurmd.txt")"

cd "$scratch"
export CI=true # Snakemake then looks after its jobs each second, not every ten
"$seed" vgg19.safetensors
ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=5:duration=1 -c:v libx264 tiny.mkv
study=("$run" --no-setup --vgg19 vgg19.safetensors --codecs h264 --rates 40 --reuse 1
  --subsample 3 --measures relu1_1/crop224 --profile "$profile" --out out)
"${study[@]}" tiny.mkv || { cat out/logs/snakemake.txt out/logs/slurm-*.txt; fail 'the study failed'; }
[ "$(tail -n +2 out/table.csv | cut -d, -f1-4)" = h264,40,1,2 ] || fail "$(cat out/table.csv)"
[ -s out/report.html ] || fail 'no report'
# The clip, an encode; controls and a measurement of it and of the clip; its quality, the
# classifiers, one timing, the report.
jobs=$(find out/logs -name 'slurm-*.txt' | wc -l)
[ "$jobs" -eq 10 ] || fail "$jobs jobs of 10 ran on the cluster"

# A job that Slurm ends is told from one that runs.
long=$(sbatch --parsable --output=/dev/null --wrap 'sleep 100')
[ "$("$profile/status.sh" "$long")" = running ] || fail 'a job that runs is not running'
scancel "$long"
for _ in {1..50}; do
  [ "$("$profile/status.sh" "$long")" = running ] || break
  sleep 0.2
done
[ "$("$profile/status.sh" "$long")" = failed ] || fail 'a cancelled job has not failed'

head -c 3000 tiny.mkv >torn.mkv
head -c 30000 /dev/urandom >>torn.mkv
! said=$("${study[@]}" torn.mkv 2>&1) || fail 'a clip that does not decode was studied'
[[ $said == *'study: clip torn: '*'does not decode'* ]] || fail "a torn clip: $said"
