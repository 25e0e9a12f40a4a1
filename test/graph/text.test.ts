import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { graphFromText, graphText } from "../support/graph-text.ts";

test("a graph's text can be read back and gives the same text", () => {
  const text = readFileSync("test/graph/golden/aws-prod.json", "utf8");
  expect(graphText(graphFromText(text))).toBe(text);
});

test("a policy is shown as what it says and user data by its lines", () => {
  const inputs = { policy: '{"Version":"2012-10-17"}', userData: "#cloud-config\nruncmd: []\n", name: "[not json" };
  const text = graphText([{ type: "aws:ec2/instance:Instance", name: "front", inputs }]);
  expect(JSON.parse(text)[0].inputs).toEqual({
    policy: { json: { Version: "2012-10-17" } },
    userData: { lines: ["#cloud-config", "runcmd: []", ""] },
    name: "[not json",
  });
  expect(graphFromText(text)[0]?.inputs).toEqual(inputs);
});
