import { UserError } from "../../config/errors.ts";

/** A model can't be planned. The message is for the user. */
export class ModelError extends UserError {
  override readonly name = "ModelError";
  /** Whether the reason is that the file does not exist. */
  readonly isMissing: boolean;

  constructor(message: string, options: { isMissing?: boolean } = {}) {
    super(message);
    this.isMissing = options.isMissing ?? false;
  }
}
