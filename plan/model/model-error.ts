/** A model that can't be planned with. The message is meant for the user. */
export class ModelError extends Error {
  /** Whether the reason is that there is no such file. */
  readonly isMissing: boolean;

  constructor(message: string, options: { isMissing?: boolean } = {}) {
    super(message);
    this.name = "ModelError";
    this.isMissing = options.isMissing ?? false;
  }
}
