/**
 * Something that the user can fix: a wrong value, a missing program, a model that does not fit. Its message is printed as it
 * is, without a stack trace. Every other error is a defect of this project and keeps its stack trace.
 */
export class UserError extends Error {
  override name = "UserError";
}
