#!/bin/sh
# Lets apt see Debian's contrib and non-free, where nvidia-cuda-toolkit is.
set -eu
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -e "$list" ]; then sed -i 's/^\(deb .*\bmain\b\).*/\1 contrib non-free/' "$list"; fi
done
for list in /etc/apt/sources.list.d/*.sources; do
  if [ -e "$list" ]; then sed -i 's/^Components:.*/Components: main contrib non-free/' "$list"; fi
done
