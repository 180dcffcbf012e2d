#!/usr/bin/env bash
# Tells Snakemake what became of a job of Slurm: status.sh JOB
#
# Slurm's controller forgets a job some minutes after its end; then the
# accounting, where there is one, knows.
state=$(scontrol --oneliner show job "$1" 2>/dev/null |
  sed -nE 's/.* JobState=([A-Z_]+).*/\1/p')
[ -n "$state" ] || state=$(sacct --noheader --parsable2 --allocations --format=State \
  --jobs="$1" 2>/dev/null | sed -n '1s/ .*//p')
case $state in
  COMPLETED) echo success ;;
  # A controller that does not answer is no failure.
  '' | PENDING | CONFIGURING | RUNNING | SUSPENDED | COMPLETING | REQUEUED | RESIZING) echo running ;;
  *) echo failed ;;
esac
