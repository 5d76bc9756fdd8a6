#!/bin/sh
# Installs the shared libraries that Qt loads and pip cannot bring, where they are missing: Debian and its like.
# The Makefile runs it once for each .venv:  system_libraries.sh PYTHON
# Never a reason to stop: what cannot be installed is said in one line, and the exit status is 0.
set -u

PATH=$PATH:/usr/sbin:/sbin # ldconfig is there, and Debian's users do not have it in their PATH
python=${1:-python3}

[ "$(uname -s)" = Linux ] || exit 0
present=$(ldconfig -p 2>/dev/null) || exit 0
has() { case $present in *"	$1 "*) true ;; *) false ;; esac; } # ldconfig prints: tab, name, blank

if ! command -v apt-get >/dev/null; then
    has libEGL.so.1 || echo "Sixstep: Qt needs libEGL.so.1, which is missing: install your system's package of it (Fedora: libglvnd-egl, Arch: libglvnd)."
    exit 0
fi

# Library and package. Newer releases call some packages ...t64, and apt finds these by the old name.
# The first six are needed even without a screen, the others by a window on X, the last two on Wayland.
missing=
while read -r library package; do
    has "$library" || missing="$missing $package"
done <<'END'
libglib-2.0.so.0 libglib2.0-0
libGL.so.1 libgl1
libEGL.so.1 libegl1
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-xinerama.so.0 libxcb-xinerama0
libwayland-cursor.so.0 libwayland-cursor0
libwayland-egl.so.1 libwayland-egl1
END

# Without any font Qt draws no text, and offscreen says nothing of it.
font=$(find /usr/share/fonts /usr/local/share/fonts "${HOME:-/root}/.fonts" "${HOME:-/root}/.local/share/fonts" \
    \( -name '*.tt[fc]' -o -name '*.otf' -o -name '*.pf[ab]' \) -print -quit 2>/dev/null)
[ -n "$font" ] || missing="$missing fonts-dejavu-core"

# Debian splits off the part of Python that makes a .venv; a Python from elsewhere has it.
"$python" -c 'import ensurepip' 2>/dev/null ||
    missing="$missing $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"

[ -n "$missing" ] || exit 0
by_hand="apt-get update && apt-get install$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Sixstep: Qt needs system libraries that are missing; please run as root: $by_hand"
        exit 0
    fi
    as_root=sudo
    [ -t 0 ] || as_root='sudo -n' # nobody there to type a password
fi
echo "Sixstep: installing system libraries that Qt needs:$missing"
log=$(mktemp)
install() {
    # shellcheck disable=SC2086  # words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
# The package lists may be old, or never fetched; fetching them first would cost a wait that is mostly not needed.
if ! install && ! { $as_root apt-get update >"$log" 2>&1 && install; }; then
    echo "Sixstep: that failed ($(tail -n 1 "$log")); please run as root: $by_hand"
fi
rm -f "$log"
