/** The queue of calls to be made: accepted once, refused where the number must not be called, claimed by one app only. */
import { randomUUID } from "node:crypto";
import { sameNumber } from "../core/phone-number.ts";
import { CALL_COLUMNS, callOf, type CallRow, type CallState } from "./call-row.ts";
import type { Database, Statements } from "./database.ts";
import { tellIn } from "./outbox.ts";

/** What POST /dial asks for. */
export interface DialRequest {
  readonly callId: string;
  readonly phoneNumber: string;
  readonly campaignId: string;
  readonly contactId: string | null;
  readonly audio: string | null;
}

/** `same`: accepted before, with the same content. */
export type Acceptance = "accepted" | "same" | "different" | "do-not-call";

export interface ListFilter {
  readonly state: CallState | null;
  readonly campaignId: string | null;
  /** A callId: what comes after it, in the order of callIds. */
  readonly after: string | null;
  readonly limit: number;
}

/** What must be true of a lease that still starts calls (ms): the rest of it covers the way from the claim to the INVITE. */
const LEASE_REST_MS = 3_000;

export class CallQueue {
  readonly #database: Database;
  readonly #node: string;
  readonly #owner: string;

  /** @param owner names this run of the app; calls that it claims are its own while its lease lasts */
  constructor(database: Database, node: string, owner: string) {
    this.#database = database;
    this.#node = node;
    this.#owner = owner;
  }

  accept(request: DialRequest): Promise<Acceptance> {
    return this.#database.together(async (statements) => {
      const [known] = await statements.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE call_id = ?`, [request.callId]);
      if (known !== undefined) return isSame(callOf(known), request) ? "same" : "different";
      if (await mustNotBeCalled(statements, request.phoneNumber)) return "do-not-call";
      const { affectedRows } = await enqueue(statements, request, 0);
      if (affectedRows === 0) return "same";
      await tellIn(statements, this.#node, request.callId, "accepted");
      return "accepted";
    });
  }

  async get(callId: string): Promise<CallRow | null> {
    const [row] = await this.#database.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE call_id = ?`, [callId]);
    return row === undefined ? null : callOf(row);
  }

  async list({ state, campaignId, after, limit }: ListFilter): Promise<readonly CallRow[]> {
    const rows = await this.#database.rows(
      `SELECT ${CALL_COLUMNS} FROM app_calls WHERE (? IS NULL OR state = ?) AND (? IS NULL OR campaign_id = ?) AND call_id > ? ORDER BY call_id LIMIT ?`,
      [state, state, campaignId, campaignId, after ?? "", limit],
    );
    return rows.map(callOf);
  }

  /** Takes a waiting call out of the queue, and has one that is under way hung up by its owner. False when there is none. */
  cancel(callId: string): Promise<boolean> {
    return this.#database.together(async (statements) => {
      const [row] = await statements.rows("SELECT state FROM app_calls WHERE call_id = ? FOR UPDATE", [callId]);
      if (row === undefined) return false;
      if (row["state"] === "queued") await endWaiting(statements, this.#node, callId, "cancelled");
      else if (row["state"] !== "ended") await statements.change("UPDATE app_calls SET cancelled = 1 WHERE call_id = ?", [callId]);
      return true;
    });
  }

  /** Our calls that are to be hung up. */
  async toHangUp(): Promise<readonly string[]> {
    const rows = await this.#database.rows("SELECT channel_id FROM app_calls WHERE owner = ? AND cancelled = 1 AND state IN ('dialling', 'up')", [this.#owner]);
    return rows.map((row) => row["channel_id"] as string);
  }

  /** Campaigns in which a call is due. */
  async due(): Promise<readonly string[]> {
    const rows = await this.#database.rows("SELECT DISTINCT campaign_id FROM app_calls WHERE state = 'queued' AND not_before <= NOW(3)");
    return rows.map((row) => row["campaign_id"] as string);
  }

  /** Makes this run an owner, or lets it be one for longer. */
  async renewLease(ms: number): Promise<void> {
    await this.#database.change("INSERT INTO app_owners (owner, node, lease_until) VALUES (?, ?, NOW(3) + INTERVAL ? MICROSECOND) ON DUPLICATE KEY UPDATE lease_until = VALUES(lease_until)", [this.#owner, this.#node, ms * 1000]);
  }

  /**
   * Claims calls of a campaign for this run: from here on they are being dialled, whether or not the INVITE gets out. None are
   * claimed without a lease. Numbers that must not be called are ended instead.
   */
  claim(campaignId: string, most: number): Promise<readonly CallRow[]> {
    return this.#database.together(async (statements) => {
      const [lease] = await statements.rows("SELECT 1 FROM app_owners WHERE owner = ? AND lease_until > NOW(3) + INTERVAL ? MICROSECOND LOCK IN SHARE MODE", [this.#owner, LEASE_REST_MS * 1000]);
      if (lease === undefined) return [];
      const rows = await statements.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE campaign_id = ? AND state = 'queued' AND not_before <= NOW(3) ORDER BY not_before LIMIT ? FOR UPDATE SKIP LOCKED`, [campaignId, most]);
      const claimed: CallRow[] = [];
      for (const call of rows.map(callOf)) {
        if (await mustNotBeCalled(statements, call.phoneNumber)) await endWaiting(statements, this.#node, call.callId, "do-not-call");
        else claimed.push(await this.#take(statements, call));
      }
      return claimed;
    });
  }

  async #take(statements: Statements, call: CallRow): Promise<CallRow> {
    const channelId = `out-${randomUUID()}`;
    const attempts = call.attempts + 1;
    await statements.change("UPDATE app_calls SET state = 'dialling', owner = ?, channel_id = ?, attempts = ?, menu_node = NULL WHERE call_id = ?", [this.#owner, channelId, attempts, call.callId]);
    await statements.change("INSERT INTO app_attempts (channel_id, call_id, attempt, node, dialled_at) VALUES (?, ?, ?, ?, NOW(3))", [channelId, call.callId, attempts, this.#node]);
    await tellIn(statements, this.#node, call.callId, "started");
    return { ...call, state: "dialling", owner: this.#owner, channelId, attempts, menuNode: null };
  }
}

/** Puts a call into the queue; changes nothing where it is there already. */
export function enqueue(statements: Statements, request: DialRequest, waitMs: number): Promise<{ readonly affectedRows: number }> {
  return statements.change(
    `INSERT IGNORE INTO app_calls (call_id, direction, campaign_id, contact_id, phone_number, audio, state, failures, not_before, created_at)
      VALUES (?, 'out', ?, ?, ?, ?, 'queued', '{}', NOW(3) + INTERVAL ? MICROSECOND, NOW(3))`,
    [request.callId, request.campaignId, request.contactId, request.phoneNumber, request.audio, waitMs * 1000],
  );
}

async function mustNotBeCalled(statements: Statements, phoneNumber: string): Promise<boolean> {
  return (await statements.rows("SELECT 1 FROM app_do_not_call WHERE phone_number IN (?, ?)", [phoneNumber, sameNumber(phoneNumber)])).length > 0;
}

async function endWaiting(statements: Statements, node: string, callId: string, result: "cancelled" | "do-not-call"): Promise<void> {
  await statements.change("UPDATE app_calls SET state = 'ended', result = ?, ended_at = NOW(3) WHERE call_id = ?", [result, callId]);
  await tellIn(statements, node, callId, "ended", { result, cause: null, ringSeconds: 0, talkSeconds: 0, next: "end" });
}

function isSame(call: CallRow, request: DialRequest): boolean {
  return call.direction === "out" && call.phoneNumber === request.phoneNumber && call.campaignId === request.campaignId && call.contactId === request.contactId && call.audio === request.audio;
}
