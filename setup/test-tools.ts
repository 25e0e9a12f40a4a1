/** Types of the tools that tests need besides Node. offline/ installs the tools. */

/** The tools of the AWS tests. */
export interface AwsTestTools {
  /** Python with `moto[server]` and `boto3`. */
  python: string | null;
  /** AWS's command line (version 1, because PyPI has only that), in the same environment. */
  aws: string | null;
  /** `cloud-init schema --config-file <file>` checks user data. */
  cloudInit: string | null;
  /** `systemd-analyze verify <unit>`; needs no running systemd. */
  systemdAnalyze: string | null;
  /** `docker-registry serve <config.yml>`: a container registry. */
  registry: string | null;
  /** `faketime '<date as date(1) reads it>' <program> …` starts a program at another time. */
  faketime: string | null;
  /** Terraform, if this machine has it. */
  terraform: string | null;
  /** Folder in the layout of Terraform's filesystem mirrors with the AWS provider, if this machine has one. */
  terraformProviderMirror: string | null;
  /** Why a tool is null, with the remedy. */
  reasons: Partial<Record<AwsTestToolName, string>>;
}

/** A tool, by its property. */
export type AwsTestToolName = Exclude<keyof AwsTestTools, "reasons">;

/** Checkov's program, or why it is not available. */
export interface Checkov {
  checkov: string | null;
  reason: string | null;
}

/** A program, or why it is not available. */
export interface ProgramOrReason {
  program: string | null;
  reason: string | null;
}

/** The linters, by the name of their program. */
export type LintToolName = "shellcheck" | "hadolint" | "actionlint";

/** Paths of the linters' programs; null if one is not available. */
export interface LintTools extends Record<LintToolName, string | null> {
  /** Why a tool is null, or why another version than the pinned one is used. */
  reasons: Partial<Record<LintToolName, string>>;
}

/** How tests get their tools: each function returns the available tools, with the reason for each missing one. */
export interface TestTools {
  /** @param root the project's root directory */
  ensureAwsTestTools(root: string): Promise<AwsTestTools>;
  /** @param root the project's root directory */
  ensureCheckov(root: string): Promise<Checkov>;
  /**
   * @param root the project's root directory
   * @param name qemu's name: `qemu-aarch64`
   */
  ensureEmulator(root: string, name: string): Promise<ProgramOrReason>;
  /**
   * Docker Compose: a program that is called as `docker compose` would be.
   * @param root the project's root directory
   */
  ensureCompose(root: string): Promise<ProgramOrReason>;
  /** @param root the project's root directory */
  ensureLintTools(root: string): Promise<LintTools>;
}
