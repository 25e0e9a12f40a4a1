import * as z from "zod";
import { imageReference, mapping, notes, written } from "./fields.ts";

/** llama.cpp commit that every role and flavour is built from unless the stack file says otherwise. */
export const PINNED_LLAMACPP_VERSION = "0c1e57098";

const flavourImagesSchema = () =>
  z
    .strictObject({
      backend: imageReference().optional().describe("Existing image with the program of a backend."),
      server: imageReference().optional().describe("Existing image with all programs."),
    })
    .register(notes, mapping("Write `backend:` and `server:` with an image's name each below it."));

export const imagesSchema = z
  .strictObject({
    version: written(
      /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/,
      "a tag, branch or commit of llama.cpp, as a text",
      'Write it like "b9876" or "0c1e57098"; put a commit that has only digits in quotation marks.',
    )
      .default(PINNED_LLAMACPP_VERSION)
      .describe("llama.cpp version that the images are built from: tag, branch or commit."),
    repository: written(
      /^(https|ssh|file):\/\/\S+$/,
      "the address of a git repository",
      'Write it like "https://github.com/ggml-org/llama.cpp".',
    )
      .default("https://github.com/ggml-org/llama.cpp")
      .describe("Git repository that llama.cpp is taken from."),
    cpu: flavourImagesSchema().optional().describe("Existing images of flavour cpu; none is built for it then."),
    cuda: flavourImagesSchema().optional().describe("Existing images of flavour cuda; none is built for it then."),
  })
  .register(notes, mapping("Write `version:` or existing images below it, or leave the key out."));
