import { UserError } from "../../config/errors.ts";

/** A model that can't be planned with. The message is meant for the user. */
export class ModelError extends UserError {
  override readonly name = "ModelError";
  /** Whether the reason is that there is no such file. */
  readonly isMissing: boolean;

  constructor(message: string, options: { isMissing?: boolean } = {}) {
    super(message);
    this.isMissing = options.isMissing ?? false;
  }
}
