import { stringify } from "yaml";

/**
 * YAML as programs in AWS read it: cloud-init and CodeBuild know version 1.1, in which `no` and `0644` are no texts. A text
 * of several lines stays readable, and a long line stays one.
 */
export const asYaml = (value: unknown): string =>
  stringify(value, {
    version: "1.1",
    lineWidth: 0,
    // EC2 takes 16 KiB of user data: no byte for looks.
    indent: 1,
    indentSeq: false,
  });
