/** What did not work, in one sentence with its remedy. The message is meant for the user. */
export class TransferError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransferError";
  }
}
