import { UserError } from "../../config/errors.ts";

/** A failed transfer. The message is for the user: one sentence with its remedy. */
export class TransferError extends UserError {
  override readonly name = "TransferError";
}
