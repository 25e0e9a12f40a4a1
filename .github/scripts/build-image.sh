#!/bin/bash
# Builds one image of images/: build-image.sh load ROLE TAG   puts it into the engine, for tests
#                              build-image.sh push ROLE NAME  pushes it by digest, without a tag, and prints the digest
# FLAVOUR, PLATFORM, LLAMACPP_VERSION, LLAMACPP_COMMIT, RPC_PROTOCOL and GGML_VERSION say what to build. Both modes take the
# same arguments, so a push after a load compiles nothing and sends the tested layers.
set -euo pipefail
how="$1" role="$2" name="$3"

options=(--file "images/${FLAVOUR}.Dockerfile" --target "$role" --platform "$PLATFORM")
for argument in LLAMACPP_VERSION LLAMACPP_COMMIT RPC_PROTOCOL GGML_VERSION; do
    options+=(--build-arg "${argument}=${!argument}")
done
options+=(--build-arg "IMAGE_SOURCE=${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}")

case "$how" in
    load)
        docker buildx build "${options[@]}" --provenance=false --load --tag "$name" images
        ;;
    push)
        metadata="$(mktemp)"
        docker buildx build "${options[@]}" --attest type=provenance,mode=max --attest type=sbom \
            --output "type=image,name=${name},push-by-digest=true,name-canonical=true,push=true" \
            --metadata-file "$metadata" images >&2
        jq --raw-output --exit-status '."containerimage.digest"' "$metadata"
        ;;
    *)
        echo "build-image.sh: '${how}' is neither load nor push" >&2
        exit 1
        ;;
esac
