#!/bin/sh
# Puts tini for the target architecture at /init/usr/bin/tini: init.sh TARGETARCH
# The package is unpacked on the build platform, so no foreign program runs; the static program fits every base image.
set -eu
case "$1" in
  arm) architecture=armhf ;;
  *) architecture="$1" ;;
esac
dpkg --add-architecture "$architecture"
apt-get update
cd /tmp
apt-get -o APT::Sandbox::User=root download "tini:${architecture}"
dpkg-deb -x tini_*.deb unpacked
install -D -m 0755 unpacked/usr/bin/tini-static /init/usr/bin/tini
install -D -m 0644 unpacked/usr/share/doc/tini/copyright /init/usr/share/doc/tini/copyright
# The directories and the account of the image, made here because the last stage runs no program.
mkdir -p /init/cache /init/models /init/etc
{ grep -v '^llama:' /base-etc/passwd; echo 'llama:x:10001:10001:llama.cpp:/cache:/usr/sbin/nologin'; } >/init/etc/passwd
{ grep -v '^llama:' /base-etc/group; echo 'llama:x:10001:'; } >/init/etc/group
