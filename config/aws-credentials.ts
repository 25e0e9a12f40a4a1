/** What is wrong with AWS credentials and what to do about it; the planner and the calls of AWS say it in the same words. */

/** What to do if there are no credentials or wrong ones, to end a sentence. */
export const SIGN_IN = "run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/** Names of the errors by which the SDK says that it found no credentials. */
export const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;

/** Names of the errors by which a service says that it does not accept the credentials. */
export const BAD_CREDENTIALS =
  /^(AuthFailure|ExpiredToken|InvalidAccessKeyId|InvalidClientTokenId|InvalidSignature|InvalidToken|RequestExpired|SignatureDoesNotMatch|TokenRefreshRequired|UnrecognizedClient)/;
