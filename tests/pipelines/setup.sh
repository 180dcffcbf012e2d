#!/usr/bin/env bash
# setup.sh, where it gives up: with status 1 and one sentence that says why, and with
# nothing lost.
set -uo pipefail
setup=$1/setup.sh
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
failures=0

# says EXPECTED COMMAND...: the command fails, and this is all that it says.
says() {
  local expected=$1 said status
  shift
  said=$("$@" 2>&1)
  status=$?
  if [ $status -ne 1 ] || [ "$(wc -l <<<"$said")" -ne 1 ] || [[ $said != *"$expected"* ]]; then
    printf "%s: status %d, said '%s', wanted '%s'\n" "$*" $status "$said" "$expected" >&2
    failures=$((failures + 1))
  fi
}

# A machine that has only these commands.
machine() {
  rm -rf "${scratch:?}/bin"
  mkdir "$scratch/bin"
  local tool
  for tool in bash dirname "$@"; do
    ln -s "$(command -v "$tool")" "$scratch/bin/$tool"
  done
}
pretend() { printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"; chmod +x "$scratch/bin/$1"; }
on_machine() { PATH=$scratch/bin "$(command -v bash)" "$setup" "$@"; }

says "unknown option '--al'" "$setup" --al
says 'one option at most' "$setup" --all --all
machine
says 'apt-get not found' on_machine
pretend apt-get 'exit 0'
pretend dpkg-query 'exit 1'
pretend id 'echo 1000'
says 'not root and no sudo' on_machine
says python3-numpy on_machine
says snakemake on_machine --study
says chromium on_machine --all
if [[ $(on_machine 2>&1) == *snakemake* || $(on_machine --study 2>&1) == *chromium* ]]; then
  echo 'installs more than it was asked for' >&2
  failures=$((failures + 1))
fi
machine env mktemp rm cat
pretend apt-get 'exit 0'
pretend dpkg-query 'exit 1'
pretend id 'echo 0'
pretend apt-cache 'exit 1'
says "no package 'gcc'" on_machine
pretend apt-get 'exit 100'
says 'apt-get update failed' on_machine

# Hours of results lie in build/: a tree that cannot be configured leaves them there,
# one that has moved finds them.
pretend dpkg-query 'echo install ok installed'
tree=$scratch/tree
build() { PATH=$scratch/bin:$PATH "$tree/setup.sh" 2>&1; }
wrong() { printf "%s: said '%s'\n" "$1" "$said" >&2; failures=$((failures + 1)); }
mkdir "$tree"
cp "$setup" "$tree"
echo "project('a')" >"$tree/meson.build"
said=$(build) || wrong 'a new tree'
mkdir "$tree/build/study"
echo "no project('a')" >"$tree/meson.build"
said=$(build)
{ [ $? -eq 1 ] && [[ $said == *'meson.build:1'*'--reconfigure build failed'* ]]; } ||
  wrong 'a tree that is broken'
echo "project('a')" >"$tree/meson.build"
mv "$tree" "$scratch/moved"
tree=$scratch/moved
said=$(build) || wrong 'a tree that has moved'
[ -d "$tree/build/study" ] || wrong 'results that are gone'

"$setup" --help | grep -q -- --all || {
  echo '--help does not speak of --all' >&2
  failures=$((failures + 1))
}
[ $failures -eq 0 ]
