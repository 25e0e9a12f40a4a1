import { stringify } from "yaml";

/**
 * YAML for programs in AWS: cloud-init and CodeBuild read version 1.1, in which plain `no` and `0644` are not strings. A
 * string of several lines stays readable, and long lines are not folded.
 */
export const asYaml = (value: unknown): string =>
  stringify(value, {
    version: "1.1",
    lineWidth: 0,
    // EC2 takes 16 KiB of user data: save every byte.
    indent: 1,
    indentSeq: false,
  });
