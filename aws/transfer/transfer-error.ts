import { UserError } from "../../config/errors.ts";

/** What did not work, in one sentence with its remedy. The message is meant for the user. */
export class TransferError extends UserError {
  override readonly name = "TransferError";
}
