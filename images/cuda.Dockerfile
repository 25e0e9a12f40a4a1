# Runtime images of flavour cuda: targets `backend` (only the RPC server) and `server` (all programs).
# Platforms: linux/amd64, linux/arm64; CUDA's compiler does not cross-compile, so each is built on a machine of its kind.
# The compiler comes from NVIDIA's images (CUDA_FROM=nvidia) or, where those can't be had, from Debian's
# nvidia-cuda-toolkit (CUDA_FROM=debian, CUDA 12.4: no Blackwell).
# Written in the syntax that Docker Engine 20.10's own builder knows: no here-documents, no `COPY --link`.
#
#   docker buildx build images --file images/cuda.Dockerfile --target backend --tag llama-rpc-cluster:cuda-backend
#
ARG BASE_IMAGE=debian:trixie-slim
ARG BUILD_IMAGE=debian:trixie-slim
ARG CUDA_FROM=nvidia
ARG CUDA_VERSION=12.8.1
ARG CUDA_BUILD_IMAGE=nvidia/cuda:${CUDA_VERSION}-devel-ubuntu24.04
ARG CUDA_BASE_IMAGE=nvidia/cuda:${CUDA_VERSION}-base-ubuntu24.04
# The name of a stage or of a local image with the tree in /llama.cpp; `source-git` clones.
ARG LLAMACPP_SOURCE=source-git
ARG LLAMACPP_REPO=https://github.com/ggml-org/llama.cpp
ARG LLAMACPP_VERSION=0c1e57098
# What the labels say. The build stops where the source says something else.
ARG LLAMACPP_COMMIT=0c1e57098
ARG RPC_PROTOCOL=7.0.0
ARG GGML_VERSION=0.25.3
# Where this project's own source is; part of the labels.
ARG IMAGE_SOURCE=""

# ---- source --------------------------------------------------------------------------------------------------------
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS source-git
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
COPY build/fetch-source.sh /build-scripts/
ARG LLAMACPP_REPO
ARG LLAMACPP_VERSION
RUN /build-scripts/fetch-source.sh "${LLAMACPP_REPO}" "${LLAMACPP_VERSION}"

FROM --platform=$BUILDPLATFORM ${LLAMACPP_SOURCE} AS source

# ---- compiler ------------------------------------------------------------------------------------------------------
FROM ${CUDA_BUILD_IMAGE} AS toolchain-nvidia
ARG TARGETARCH
COPY build/toolchain.sh /build-scripts/
RUN --mount=type=cache,id=llama-rpc-cluster-apt-ubuntu,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,id=llama-rpc-cluster-apt-lists-ubuntu,target=/var/lib/apt/lists,sharing=locked \
    /build-scripts/toolchain.sh "${TARGETARCH}"
ENV CUDA_HOST_COMPILER=g++-14

FROM ${BUILD_IMAGE} AS toolchain-debian
ARG TARGETARCH
COPY build/toolchain.sh build/enable-non-free.sh /build-scripts/
RUN --mount=type=cache,id=llama-rpc-cluster-apt,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,id=llama-rpc-cluster-apt-lists-non-free,target=/var/lib/apt/lists,sharing=locked \
    /build-scripts/enable-non-free.sh && /build-scripts/toolchain.sh "${TARGETARCH}" nvidia-cuda-toolkit g++-13
# CUDA 12.4 knows gcc up to 13.
ENV CUDA_HOST_COMPILER=g++-13

FROM toolchain-${CUDA_FROM} AS toolchain

# ---- what the source says about itself -----------------------------------------------------------------------------
FROM toolchain AS identified
COPY --from=source /llama.cpp /llama.cpp
COPY build/identify.sh /build-scripts/
ARG LLAMACPP_VERSION
ARG LLAMACPP_COMMIT
ARG RPC_PROTOCOL
ARG GGML_VERSION
RUN /build-scripts/identify.sh /identity

# ---- compile -------------------------------------------------------------------------------------------------------
FROM toolchain AS compiled
COPY --from=source /llama.cpp /llama.cpp
COPY --from=identified /identity /identity
COPY build/compile.sh build/compile-cuda.sh /build-scripts/
COPY patches/ /build-scripts/patches/
ARG BUILDARCH
ARG TARGETARCH
ARG CUDA_ARCHITECTURES=default
RUN --mount=type=cache,id=llama-rpc-cluster-ccache,target=/ccache,sharing=shared \
    /build-scripts/compile-cuda.sh "${BUILDARCH}" "${TARGETARCH}" "${CUDA_ARCHITECTURES}" "${CUDA_HOST_COMPILER}"
COPY build/arrange.sh /build-scripts/
RUN /build-scripts/arrange.sh

# ---- init, account, directories ------------------------------------------------------------------------------------
FROM ${CUDA_BASE_IMAGE} AS base-nvidia
FROM ${BASE_IMAGE} AS base-debian
# A stage of this file, so without a tag.
FROM base-${CUDA_FROM} AS base

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS init
COPY --from=base /etc/passwd /etc/group /base-etc/
COPY build/init.sh /build-scripts/
ARG TARGETARCH
RUN --mount=type=cache,id=llama-rpc-cluster-apt-lists-init,target=/var/lib/apt/lists,sharing=locked \
    /build-scripts/init.sh "${TARGETARCH}"
# Fixed modes: a clone made under umask 077 gives files that the image's user could not read.
COPY entrypoint.sh healthcheck.sh /scripts/
COPY runtime/ /scripts/runtime/
RUN chmod 0755 /scripts /scripts/runtime /scripts/*.sh && chmod 0644 /scripts/runtime/*.sh

# ---- what both roles share -----------------------------------------------------------------------------------------
# No RUN from here on: these stages may be for an architecture whose programs the build machine can't start.
FROM base AS runtime
ARG LLAMACPP_REPO
ARG LLAMACPP_VERSION
ARG LLAMACPP_COMMIT
ARG RPC_PROTOCOL
ARG GGML_VERSION
ARG IMAGE_SOURCE
COPY --from=init /init/usr/ /usr/
COPY --from=init /init/etc/ /etc/
COPY --from=init --chown=10001:10001 /init/cache /cache
COPY --from=init --chown=10001:10001 /init/models /models
COPY --from=init /scripts/ /app/
# TINI_VERBOSITY: no warning where the engine puts an init of its own in front (docker run --init).
ENV PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/cache LLAMA_CACHE=/cache TINI_VERBOSITY=0 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /app
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "--", "/app/entrypoint.sh"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 CMD ["/app/healthcheck.sh"]
LABEL org.opencontainers.image.source="${IMAGE_SOURCE}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${LLAMACPP_VERSION}" \
      org.opencontainers.image.revision="${LLAMACPP_COMMIT}" \
      llama-rpc-cluster/flavour="cuda" \
      llama-rpc-cluster/llamacpp-repository="${LLAMACPP_REPO}" \
      llama-rpc-cluster/llamacpp-commit="${LLAMACPP_COMMIT}" \
      llama-rpc-cluster/rpc-protocol="${RPC_PROTOCOL}" \
      llama-rpc-cluster/ggml-version="${GGML_VERSION}"

# ---- the images ----------------------------------------------------------------------------------------------------
FROM runtime AS backend
COPY --from=compiled /out/backend/ /app/
ENV APP_MODE=backend
EXPOSE 50052
LABEL org.opencontainers.image.title="llama.cpp RPC backend (cuda)" \
      org.opencontainers.image.description="ggml-rpc-server: lends this machine's GPUs to a llama.cpp front"

FROM runtime AS server
COPY --from=compiled /out/server/ /app/
ENV APP_MODE=server
EXPOSE 8080 50052
LABEL org.opencontainers.image.title="llama.cpp RPC server (cuda)" \
      org.opencontainers.image.description="llama-server and llama.cpp's other programs, with RPC: front, backend or tools"
