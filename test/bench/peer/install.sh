#!/bin/sh
# Makes the virtual environment .venv/peer for the PyTorch side of the benchmark. Does nothing where it is up to date.
# PYTHON names the interpreter (3.11 or later; default python3).
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
wanted="$root/test/bench/peer/requirements.txt"
venv="$root/.venv/peer"
if cmp -s "$wanted" "$venv/installed.txt"; then exit 0; fi
"${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "The PyTorch side needs Python 3.11 or later: name one with PYTHON=python3.11." >&2
  exit 1
}
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
# Written last: an install that was cut off starts again.
cp "$wanted" "$venv/installed.txt"
