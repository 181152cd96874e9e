# Read by packaging/try and packaging/test: makes the project's own Python environments.

# $1: the folder of the environment, $2: what to install
hygiene_environment() {
    command -v python3 >/dev/null 2>&1 || { echo "needed: python3 (3.11 or newer)" >&2; exit 1; }
    python3 -I -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || {
        echo "needed: python3 between 3.11 and 3.14, found $(python3 --version 2>&1)" >&2; exit 1; }
    if [ ! -x "$1/bin/python" ]; then
        python3 -I -m venv "$1" || { echo "needed: the venv module of python3 (Debian: python3-venv)" >&2; exit 1; }
    fi
    "$1/bin/python" -I -m pip --disable-pip-version-check --quiet install --upgrade "$2" ||
        { echo "needed: $2 and its packages, and they could not be installed" >&2; exit 1; }
}

# Gives sslyze, for `tls --deep`, an environment of its own inside one that was made before; its version
# is that of the extra `deep`. Run as root, it is believed only if nobody else can write there.
# $1: the folder of the environment around it
hygiene_deep() (
    umask 022
    hygiene_environment "$1/deep" "$(python3 -I -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"]["deep"])')"
)

# The oldest glibc that what packaging/build makes runs on: that of the wheels it takes in. The tests
# compare it with what was built, and with README.md.
oldest_glibc=2.28

# Gives packaging/lock, interpreter and build their tools, as locked; $tools is where they are.
hygiene_tools() {
    tools=$PWD/build/tools/bin
    [ packaging/lock/tools.txt -ot build/tools/made ] && return
    python3 -I -m venv --clear build/tools
    "$tools/python" -I -m pip --disable-pip-version-check --quiet install --require-hashes \
        --requirement packaging/lock/tools.txt
    touch build/tools/made
}

# Says where an nginx is: this host's, or Debian's, unpacked and not installed. What else it needs is
# on every machine with git and python3.
# $1: the folder to unpack it in
hygiene_nginx() (
    found=$(PATH=$PATH:/usr/sbin command -v nginx) && { echo "$found"; exit; }
    mkdir -p "$1" && cd "$1" || exit 1
    { apt-get download nginx && dpkg -x nginx_*.deb . && ./usr/sbin/nginx -v; } >/dev/null 2>&1 || exit 1
    echo "$PWD/usr/sbin/nginx"
)
