#!/usr/bin/env bash
# Makes the two base images where no registry can be reached: a small Debian by debootstrap, from the mirror that apt of
# this machine uses, with this machine's own Node. As root. Usage: docker/make-base.sh [SUITE]
#
#   ringmaster-base:run     libc, libstdc++, a shell, util-linux, node            (BASE_IMAGE of docker/Dockerfile)
#   ringmaster-base:build   the same with npm and this machine's certificates     (BUILD_IMAGE)
set -euo pipefail

suite=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
find_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
    awk -v suite="$suite" '$2 == "Debian" && $3 == suite && $4 == "main" { print $1; exit }'
}
mirror=$(find_mirror)
[ -n "$mirror" ] || { apt-get update -q >&2 && mirror=$(find_mirror); }
[ -n "$mirror" ] || { echo "apt knows no Debian mirror with '$suite'" >&2; exit 1; }
node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
echo "debootstrap of $suite (about a minute)" >&2
debootstrap --variant=minbase --include=libstdc++6,libcap2-bin "$suite" "$root" "$mirror" >"$work/log" 2>&1 ||
  { tail -5 "$work/log" >&2; exit 1; }
install -m 755 "$node" "$root/usr/bin/node"
chroot "$root" /usr/bin/node --version >/dev/null

# What only apt, dpkg and readers of manuals want. The image is not meant to be added to; it is built anew.
rm -rf "$root"/{dev,proc,sys,tmp}/* "$root"/var/cache/* "$root"/var/lib/{apt,dpkg} "$root"/var/log/* \
  "$root"/usr/share/{doc,man,info,locale,zoneinfo,common-licenses,lintian,perl5} "$root"/usr/lib/apt \
  "$root"/usr/lib/*-linux-gnu/{perl-base,libapt-*} "$root"/usr/bin/{perl*,apt*,dpkg*}
tar -C "$root" -c . | docker import --change 'CMD ["/bin/sh"]' - ringmaster-base:run >/dev/null

mkdir -p "$root/usr/lib/node_modules" "$root/etc/ssl/certs"
cp -a "$npm" "$root/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
bundle=/etc/ssl/certs/ca-certificates.crt
[ ! -e $bundle ] || cp -L $bundle "$root$bundle"
tar -C "$root" -c . | docker import --change "ENV NODE_EXTRA_CA_CERTS=$bundle npm_config_cafile=$bundle" \
  - ringmaster-base:build >/dev/null
docker images ringmaster-base
