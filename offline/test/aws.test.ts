import { execa } from "execa";
import { expect, test } from "vitest";
import { paths } from "../../setup/paths.ts";
import { awsRefusal } from "../ways.ts";

test("target aws is refused for the language host that is built here, and for no other", () => {
  expect(awsRefusal(false)).toBeNull();
  expect(awsRefusal(true)).toEqual({
    what: expect.stringMatching(/^the language host 3\.60\.0, .* knows no resource hooks/),
    remedy: expect.stringMatching(/^Remove .*pulumi-language-nodejs, and run .* A preview works without that\.$/),
  });
});

test("npm run pulumi -- up refuses a stack on EC2 before the engine starts", async (context) => {
  if (awsRefusal() === null) return context.skip("the language host was not built on this machine");
  const command = ["cli/main.ts", "pulumi", "up", "--yes", "-s", "aws-dev"];
  const { exitCode, stderr } = await execa(process.execPath, command, { cwd: paths.root, reject: false });
  expect(stderr).toContain("Stack aws-dev can't be created from this machine: the language host ");
  expect(exitCode).toBe(1);
});
