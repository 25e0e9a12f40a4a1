#!/bin/bash
# Compiles llama.cpp from /llama.cpp into /build: compile.sh TARGETARCH [more cmake arguments]
# Runs on the build platform; a foreign target is cross-compiled, never emulated.
set -euo pipefail
target="$1"
shift
# shellcheck source=/dev/null
. /identity

case "$target" in
  amd64) triplet=x86_64-linux-gnu processor=x86_64 ;;
  arm64) triplet=aarch64-linux-gnu processor=aarch64 ;;
  arm) triplet=arm-linux-gnueabihf processor=armv7l ;;
  *) echo "No compile recipe for architecture '${target}'." >&2 && exit 1 ;;
esac
if [ "$target" = "$(dpkg --print-architecture)" ]; then
  cc=gcc-14 cxx=g++-14
  options=()
else
  cc="${triplet}-gcc-14" cxx="${triplet}-g++-14"
  options=(-DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=${processor}"
    -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=BOTH)
fi
if [ "$target" = arm ]; then
  # 32 bit: one variant, and no hand-written matrix code that assumes 64-bit registers.
  options+=(-DGGML_CPU_ALL_VARIANTS=OFF -DGGML_LLAMAFILE=OFF -DGGML_OPENMP=OFF -DGGML_CPU_ARM_ARCH=armv7-a+neon-vfpv4)
else
  options+=(-DGGML_CPU_ALL_VARIANTS=ON)
fi
if [ "$target" = arm ] && ! patch --directory=/llama.cpp --strip=1 --forward </build-scripts/patches/rpc-32-bit.patch; then
  echo "images/patches/rpc-32-bit.patch does not fit llama.cpp ${LLAMACPP_VERSION}: renew it, or drop it if that version speaks RPC from 32-bit machines (pull request 21828)." >&2
  exit 1
fi
build_number=0
[[ "$LLAMACPP_VERSION" =~ ^b([0-9]+)$ ]] && build_number="${BASH_REMATCH[1]}"

export CCACHE_DIR="${CCACHE_DIR:-/ccache}" CCACHE_BASEDIR=/ CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=4G
nice -n 10 cmake -S /llama.cpp -B /build -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
  "-DCMAKE_C_COMPILER=${cc}" "-DCMAKE_CXX_COMPILER=${cxx}" \
  -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
  -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON "-DCMAKE_INSTALL_RPATH=\$ORIGIN" \
  -DGGML_RPC=ON -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=ON -DLLAMA_BUILD_APP=OFF \
  -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF \
  "-DLLAMA_BUILD_COMMIT=${LLAMACPP_COMMIT}" "-DLLAMA_BUILD_NUMBER=${build_number}" \
  "${options[@]}" "$@"
nice -n 10 cmake --build /build --target \
  llama-server llama-cli llama-embedding llama-bench ggml-rpc-server
ccache --show-stats || true
echo "${cxx}" >/build/cxx-name
