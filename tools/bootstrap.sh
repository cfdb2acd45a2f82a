#!/bin/sh
# Makes .venv, installs locked requirements and the runtime (for development the operator too)
# into it. Needs Python 3.11 or newer;
# root only where Debian keeps `venv` in a package of its own and pip is missing too.
#
# Usage: tools/bootstrap.sh REQUIREMENTS STAMP
# The stamp is written last, so that an interrupted installation is done again.
set -eu
cd "$(dirname "$0")/.."
requirements=$1
stamp=$2

fail() {
    echo "bootstrap: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "there is no Python 3.11 or newer on the PATH; install one, e.g. the package python3.11"
}

has() {
    "$python" -c "import $1" 2>/dev/null
}

# Debian without python3-venv: the module venv is there, what it needs to bring pip is not.
make_with_virtualenv() {
    borrowed=$(mktemp -d)
    trap 'rm -rf "$borrowed"' EXIT
    PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --target "$borrowed" virtualenv &&
        PYTHONPATH=$borrowed "$python" -m virtualenv --quiet --clear .venv
}

install_venv_package() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt-get update -qq && apt-get install -y -qq "python$version-venv"
}

make_environment() {
    if has venv && has ensurepip; then
        "$python" -m venv --clear .venv
    elif has virtualenv; then
        "$python" -m virtualenv --quiet --clear .venv
    elif has pip && make_with_virtualenv; then
        :
    elif install_venv_package; then
        "$python" -m venv --clear .venv
    else
        fail "$python cannot make virtual environments; install venv for it, e.g. the package python3-venv"
    fi
}

if ! { is_new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python)
    echo "bootstrap: making .venv with $python"
    make_environment
fi
echo "bootstrap: installing $requirements"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$requirements"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable runtime
case $requirements in
*/dev.txt) .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable operator ;;
esac
rm -f "${stamp%-*}"-*
touch "$stamp"
