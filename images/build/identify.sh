#!/bin/sh
# Reads from the source tree what the image's labels claim, and stops the build where a claim is wrong.
# Writes KEY=value lines to the file named by the only argument. The claims come as environment variables:
# LLAMACPP_VERSION, LLAMACPP_COMMIT, RPC_PROTOCOL, GGML_VERSION; an empty one claims nothing, and its label stays empty.
set -eu
out="$1"
cd /llama.cpp

number() { # file name -> the number behind a #define or a set()
  sed -n "s/^[^A-Z]*[( ]*${2}[ ]\{1,\}\([0-9]\{1,\}\).*/\1/p" "$1" | head -n 1
}
header=ggml/include/ggml-rpc.h
protocol="$(number $header RPC_PROTO_MAJOR_VERSION).$(number $header RPC_PROTO_MINOR_VERSION).$(number $header RPC_PROTO_PATCH_VERSION)"
ggml="$(number ggml/CMakeLists.txt GGML_VERSION_MAJOR).$(number ggml/CMakeLists.txt GGML_VERSION_MINOR).$(number ggml/CMakeLists.txt GGML_VERSION_PATCH)"

# A tree without git metadata (a source image made from a package) can only be what its maker says it is.
commit="$LLAMACPP_COMMIT"
if [ -d .git ]; then
  actual="$(git rev-parse HEAD)"
  case "$actual" in
    "${LLAMACPP_COMMIT:-none}"*) ;;
    *) commit="$(echo "$actual" | cut -c1-9)" ;;
  esac
fi

problems=""
claim() { # build argument, what it says, what the source says
  [ -z "$2" ] || [ "$2" = "$3" ] || problems="${problems} --build-arg ${1}=${3}"
}
claim LLAMACPP_COMMIT "$LLAMACPP_COMMIT" "$commit"
claim RPC_PROTOCOL "$RPC_PROTOCOL" "$protocol"
claim GGML_VERSION "$GGML_VERSION" "$ggml"
printf 'LLAMACPP_VERSION=%s\nLLAMACPP_COMMIT=%s\nRPC_PROTOCOL=%s\nGGML_VERSION=%s\n' \
  "$LLAMACPP_VERSION" "$commit" "$protocol" "$ggml" >"$out"
if [ -n "$problems" ] && [ "${2:-}" != "--report" ]; then
  echo "The labels of this image would not be true for llama.cpp ${LLAMACPP_VERSION}: build again with${problems}" >&2
  exit 1
fi
cat "$out"
