#!/bin/bash
# Lays out what each role's image gets, stripped: /out/backend and /out/server, from the programs in /build/bin.
set -euo pipefail
cxx="$(cat /build/cxx-name)"
strip="${cxx/%g++-14/strip}"
mkdir -p /out/backend /out/server

# Shared libraries keep their links (libllama.so.0 -> libllama.so.0.5.0); the bare .so names serve compilers only,
# but for the backends (libggml-cpu-*.so, libggml-rpc.so, libggml-cuda.so), which are loaded by that name.
cd /build/bin
cp -a llama-server llama-cli llama-embedding llama-bench ggml-rpc-server ./*.so* /out/server/
gomp="$("$cxx" -print-file-name=libgomp.so.1)"
if [ -e "$gomp" ] && grep -q 'GGML_OPENMP:BOOL=ON' /build/CMakeCache.txt; then
  cp -L "$gomp" /out/server/libgomp.so.1
fi
# The CUDA libraries that the backend is linked with; libcuda.so.1 itself belongs to the driver and comes with the GPU.
if [ -e libggml-cuda.so ]; then
  ldd libggml-cuda.so | awk '$1 ~ /^lib(cu|nv)/ && $1 !~ /^libcuda\.so/ {print $3}' | while read -r library; do
    cp -L "$library" "/out/server/$(ldd libggml-cuda.so | awk -v path="$library" '$3 == path {print $1}')"
  done
fi
cp -a /out/server/ggml-rpc-server /out/server/libggml*.so* /out/backend/
find /out/server -maxdepth 1 \( -name 'libcu*.so*' -o -name 'libnv*.so*' \) -exec cp {} /out/backend/ \;
if [ -e /out/server/libgomp.so.1 ]; then cp /out/server/libgomp.so.1 /out/backend/; fi
# The client side of RPC is not needed by a backend, the server side is the same library.
for directory in /out/backend /out/server; do
  cp /identity "$directory/build-info"
  find "$directory" -type f ! -name build-info -exec "$strip" --strip-unneeded {} +
  ln -s /models "$directory/models"
done
ln -s ggml-rpc-server /out/server/rpc-server
ln -s ggml-rpc-server /out/backend/rpc-server
chmod -R a+rX,go-w /out
ls -l /out/server
