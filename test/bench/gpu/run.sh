#!/bin/sh
# Runs the packed check: `run.sh --out FOLDER`; the options are those of `npm run gpu-check`.
# DISCERN_PYTHON names a Python with torch; without it python3 is asked.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH="$PATH:/sbin:/usr/sbin"
known=$(ldconfig -p 2>/dev/null || true)
libraries="$here/lib"
# Only what the machine itself lacks: its own libraries fit its driver.
mkdir -p "$here/lib/used"
for library in "$here"/lib/spare/*; do
  name=$(basename "$library")
  case "$known" in *"$name"*) ;; *) ln -sf "$library" "$here/lib/used/$name" ;; esac
done
libraries="$libraries:$here/lib/used"
# Where images of GPU machines put the driver.
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do
  [ ! -d "$folder" ] || libraries="$libraries:$folder"
done
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/node" "$here/test/bench/gpu/gpuCheck.ts" "$@"
