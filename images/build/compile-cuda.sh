#!/bin/bash
# Compiles llama.cpp with the CUDA backend into /build: compile-cuda.sh BUILDARCH TARGETARCH ARCHITECTURES HOST_COMPILER
# ARCHITECTURES in cmake's words (75-real;80-real), or `default`.
set -euo pipefail
build="$1" target="$2" architectures="$3" host_compiler="$4"

if [ "$build" != "$target" ]; then
  echo "CUDA's compiler builds for its own platform only: build linux/${target} on a ${target} machine or builder." >&2
  exit 1
fi
if [ "$architectures" = default ]; then
  # Turing, Ampere (server, client), Ada, Hopper; each as machine code, so that no start compiles anything.
  architectures="75-real;80-real;86-real;89-real;90-real"
  version="$(nvcc --version | sed -n 's/.*release \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')"
  read -r major minor <<<"$version"
  # Blackwell is known since 12.8.
  if ((major > 12 || (major == 12 && minor >= 8))); then architectures+=";120a-real"; fi
fi
echo "CUDA_ARCHITECTURES=${architectures}" >>/identity
cat /identity

exec /build-scripts/compile.sh "$target" -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF \
  "-DCMAKE_CUDA_ARCHITECTURES=${architectures}" "-DCMAKE_CUDA_HOST_COMPILER=${host_compiler}" \
  -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache
