import { describe, expect, test } from "vitest";
import { choose, claimsOf, releasesOf, TAG_SUFFIXES } from "../../.github/scripts/release.ts";

const hash = (digit: string) => digit.repeat(40);
const tags = [
  `${hash("1")}\trefs/tags/b10335`,
  `${hash("2")}\trefs/tags/b999`,
  `${hash("3")}\trefs/tags/b2000-rc`,
  `${hash("4")}\trefs/tags/gguf-v0.4.0`,
  `${hash("5")}\trefs/tags/b10336`,
  `${hash("6")}\trefs/tags/b10336^{}`,
  `${hash("7")}\trefs/tags/backup`,
  `${hash("8")}\trefs/tags/v0.5.0`,
].join("\n");
const releases = releasesOf(tags);
const nothing = () => false;
const everything = () => true;

describe("the daily image job", () => {
  test("takes bNNNN tags for releases and nothing else, in the order of their numbers", () => {
    expect(releases.map(({ tag }) => tag)).toEqual(["b999", "b10335", "b10336"]);
  });

  test("looks through an annotated tag to its commit", () => {
    expect(releases.at(-1)?.commit).toBe(hash("6"));
  });

  test("builds the newest release when it is not published", () => {
    expect(choose(releases, "", false, nothing)).toEqual({ release: releases.at(-1), newest: true });
  });

  test("builds nothing, not even latest, when the newest release is published", () => {
    expect(choose(releases, "", false, everything)).toBeNull();
  });

  test("builds a release again of which one image is missing", () => {
    const half = (tag: string) => !tag.endsWith(TAG_SUFFIXES[3]);
    expect(choose(releases, "", false, half)?.release.tag).toBe("b10336");
  });

  test("builds an older release when asked, and does not call it newest", () => {
    expect(choose(releases, "b10335", false, nothing)).toEqual({ release: releases[1], newest: false });
  });

  test("builds a published release again when asked to", () => {
    expect(choose(releases, "", true, everything)?.newest).toBe(true);
  });

  test("refuses what is no release, naming one", () => {
    expect(() => choose(releases, "master", false, nothing)).toThrow(/'master' is no release .* such as b10336/);
  });

  test("reads the versions for the labels out of the source", () => {
    const header =
      "#define RPC_PROTO_MAJOR_VERSION    7\n#define RPC_PROTO_MINOR_VERSION 0\n#define RPC_PROTO_PATCH_VERSION    2\n";
    const cmake = "set(GGML_VERSION_MAJOR 0)\nset(GGML_VERSION_MINOR 25)\nset(GGML_VERSION_PATCH 3)\n";
    expect(claimsOf(header, cmake)).toEqual({ rpcProtocol: "7.0.2", ggmlVersion: "0.25.3" });
  });

  test("says what to mend when the source has moved its versions", () => {
    expect(() => claimsOf("", "")).toThrow(/RPC_PROTO_MAJOR_VERSION is not at its old place/);
  });
});
