/** A call as it stands in the database, and what is told of it to others. */
import type { Failures, Result } from "../core/retry.ts";
import type { Row } from "./database.ts";

export const CALL_STATES = ["queued", "dialling", "up", "ended"] as const;
export type CallState = (typeof CALL_STATES)[number];

export interface CallRow {
  readonly callId: string;
  readonly direction: "out" | "in";
  readonly campaignId: string;
  readonly contactId: string | null;
  readonly phoneNumber: string;
  readonly audio: string | null;
  readonly state: CallState;
  readonly result: Result | null;
  readonly attempts: number;
  readonly failures: Failures;
  readonly notBefore: Date;
  readonly owner: string | null;
  readonly channelId: string | null;
  readonly menuNode: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

/** The columns that `callOf` reads. */
export const CALL_COLUMNS = "call_id, direction, campaign_id, contact_id, phone_number, audio, state, result, attempts, failures, not_before, owner, channel_id, menu_node, created_at, ended_at";

/** A row of app_calls. MariaDB hands JSON on as text, MySQL as what it is. */
export function callOf(row: Row): CallRow {
  const failures: unknown = typeof row["failures"] === "string" ? JSON.parse(row["failures"]) : row["failures"];
  return {
    callId: row["call_id"] as string,
    direction: row["direction"] as "out" | "in",
    campaignId: row["campaign_id"] as string,
    contactId: row["contact_id"] as string | null,
    phoneNumber: row["phone_number"] as string,
    audio: row["audio"] as string | null,
    state: row["state"] as CallState,
    result: row["result"] as Result | null,
    attempts: row["attempts"] as number,
    failures: failures as Failures,
    notBefore: row["not_before"] as Date,
    owner: row["owner"] as string | null,
    channelId: row["channel_id"] as string | null,
    menuNode: row["menu_node"] as string | null,
    createdAt: row["created_at"] as Date,
    endedAt: row["ended_at"] as Date | null,
  };
}
