#!/usr/bin/env bash
# Prints the path of base.tar: the file tree that our images begin with (debian:bookworm-slim), made once from Debian's
# packages for machines that reach no image registry. The machine's own certificates and package sources go in, so that
# ordinary builds reach the package indexes: for tests only, never to be published. Wants root and debootstrap.
set -euo pipefail
folder="${XDG_CACHE_HOME:-$HOME/.cache}/deepwhisk-ci/images"
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ ! -f "$folder/base.tar" ]; then
  tree=$(mktemp -d)
  trap 'rm -rf "$tree" "$folder/base.tar.new"' EXIT
  debootstrap --variant=minbase bookworm "$tree" >&2
  mkdir -p "$tree/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$tree/usr/local/share/ca-certificates/" 2>/dev/null || true
  cp -r /etc/apt/sources.list /etc/apt/sources.list.d "$tree/etc/apt/" 2>/dev/null || true
  tar -C "$tree" --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*_*' --exclude='./dev/*' \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' -cf "$folder/base.tar.new" .
  mv "$folder/base.tar.new" "$folder/base.tar"
fi
echo "$folder/base.tar"
