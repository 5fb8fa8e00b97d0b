#!/usr/bin/env bash
# Makes the virtual environment: make_venv.sh PYTHON FOLDER
set -euo pipefail
python=$1
venv=$2
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "facegen needs Python 3.11 or newer, found '${python:-none}'." >&2
    echo "Install it (Debian, Ubuntu: apt-get install python3 python3-venv) or name one:" >&2
    echo "    make run PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq "python$version-venv" >/dev/null
    else
        echo "Python's venv module is missing: sudo apt-get install python$version-venv" >&2
        exit 1
    fi
fi
echo "Making a virtual environment in $venv (once)" >&2
"$python" -m venv "$venv"
# A newer pip than the one Python brings: it goes on with a download that was cut off.
"$venv/bin/python" -m pip install -q --disable-pip-version-check "pip==26.3"
