#!/bin/sh
# Installs the compiler for the target architecture on the build platform: toolchain.sh TARGETARCH [more packages]
set -eu
target="$1"
shift
case "$target" in
  "$(dpkg --print-architecture)") compiler="gcc-14 g++-14" ;;
  amd64) compiler="gcc-14-x86-64-linux-gnu g++-14-x86-64-linux-gnu" ;;
  arm64) compiler="gcc-14-aarch64-linux-gnu g++-14-aarch64-linux-gnu" ;;
  arm) compiler="gcc-14-arm-linux-gnueabihf g++-14-arm-linux-gnueabihf" ;;
  *) echo "These images are built for amd64, arm64 and arm (v7), not for '${target}'." >&2 && exit 1 ;;
esac
# Keep the packages, they are in a cache mount.
rm -f /etc/apt/apt.conf.d/docker-clean
apt-get update
# shellcheck disable=SC2086 # two package names
apt-get install --yes --no-install-recommends ccache cmake git make ninja-build patch $compiler "$@"
