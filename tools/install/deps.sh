#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deps.sh PACKAGE... - install the Debian packages that are missing, and only those
set -euo pipefail

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "deps: no Debian here; these are needed under whatever name: $*" >&2
	exit 0
fi

# Names that this release does not have are left out by the caller, not here.
missing=()
for package in "$@"; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[[ $state == installed* ]] || missing+=("$package")
done
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "deps: become root to install: ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# Docker's package starts its daemon, which fails where systemd does not run
# and is not wanted there.  What was not there before is taken away again.
policy=/usr/sbin/policy-rc.d
ours=
drop_policy() {
	[[ -z $ours ]] || "${as_root[@]}" rm -f "$policy"
}
trap drop_policy EXIT
if [[ ! -d /run/systemd/system && ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	ours=yes
	"${as_root[@]}" chmod 755 "$policy"
fi

apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
}

install_missing() {
	apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1
}

log=$(mktemp)
trap 'drop_policy; rm -f "$log"' EXIT
echo "deps: installing ${missing[*]}"
if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
	apt update >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
# Lists that are old name packages that are gone: read them anew, once.
if ! install_missing; then
	apt update >"$log" 2>&1 || true
	install_missing || {
		cat "$log" >&2
		echo "deps: cannot install ${missing[*]}" >&2
		exit 1
	}
fi
