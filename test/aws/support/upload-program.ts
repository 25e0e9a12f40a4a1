/** Uploads one file in a process of its own, which a test may kill: node upload-program.ts <endpoint> <bucket> <file> <key> <bytes of a part>. */

import { stat } from "node:fs/promises";
import { fingerprint } from "../../../aws/transfer/model-files.ts";
import { uploadModel } from "../../../aws/transfer/upload.ts";

const [endpoint = "", bucket = "", path = "", key = "", partBytes = ""] = process.argv.slice(2);
const { size } = await stat(path);
await uploadModel({
  connection: { region: "us-east-1", endpoint },
  bucket,
  files: [{ key, bytes: size, place: { kind: "local", path }, identity: await fingerprint(path, size) }],
  partBytes: Number(partBytes),
});
