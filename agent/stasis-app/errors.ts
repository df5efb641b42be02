/** The errors that the Stasis app itself can explain: a stable code, and a message that says what to do. */
import { CodedError } from "../errors.ts";

/** What a message of each code is about. Exit codes: configuration, secret and campaigns 78, everything else 70. */
export const APP_ERRORS = {
  APP_CONFIG_INVALID: "A setting of the Stasis app is missing or wrong.",
  APP_SECRET_INVALID: "A field of the secret that the Stasis app needs is missing or wrong.",
  APP_CAMPAIGN_INVALID: "A campaign's file can't be used: the message names the file, the node and the field.",
  APP_SINK_FAILED: "The place where events go did not take one; it is kept and sent again.",
  APP_STATUS_FAILED: "The agent on this machine did not say which role this node has.",
} as const satisfies Record<string, string>;

export type AppErrorCode = keyof typeof APP_ERRORS;

/** An expected failure of the app. */
export class AppError extends CodedError<AppErrorCode> {
  override readonly name: string = "AppError";
}
