/**
 * What becomes of calls that are under way. Only who knows the channel of a call's last attempt may write about it: when a
 * failover has given the call to another node, the channel is no longer the call's, and what the old owner still has to say
 * changes nothing.
 */
import { entranceOf, type Campaign } from "../core/campaign.ts";
import type { CallEvent } from "../core/event.ts";
import { sameNumber } from "../core/phone-number.ts";
import { afterAttempt, type Failures, type Result } from "../core/retry.ts";
import { enqueue } from "./call-queue.ts";
import { CALL_COLUMNS, callOf, type CallRow } from "./call-row.ts";
import type { Database, Statements } from "./database.ts";
import { tellIn } from "./outbox.ts";

/** A caller who has come in. */
export interface Caller {
  readonly channelId: string;
  readonly campaignId: string;
  readonly phoneNumber: string;
}

/** Rows whose owner is no more: another node's whose lease has ended, or which is gone. */
const ORPHANED = "SELECT c.channel_id FROM app_calls c LEFT JOIN app_owners o ON o.owner = c.owner WHERE c.state IN ('dialling', 'up') AND c.owner NOT LIKE ? AND (o.owner IS NULL OR o.lease_until < NOW(3) OR o.node = ?)";

export class CallBook {
  readonly #database: Database;
  readonly #node: string;
  readonly #owner: string;
  readonly #campaigns: ReadonlyMap<string, Campaign>;

  constructor(database: Database, node: string, owner: string, campaigns: ReadonlyMap<string, Campaign>) {
    this.#database = database;
    this.#node = node;
    this.#owner = owner;
    this.#campaigns = campaigns;
  }

  /** Writes a caller down. The same channel twice is one call. */
  cameIn({ channelId, campaignId, phoneNumber }: Caller): Promise<CallRow | null> {
    const callId = `in-${channelId}`.slice(0, 64);
    return this.#database.together(async (statements) => {
      const { affectedRows } = await statements.change(
        `INSERT IGNORE INTO app_calls (call_id, direction, campaign_id, phone_number, state, attempts, failures, not_before, owner, channel_id, created_at)
          VALUES (?, 'in', ?, ?, 'dialling', 1, '{}', NOW(3), ?, ?, NOW(3))`,
        [callId, campaignId, phoneNumber.slice(0, 32), this.#owner, channelId],
      );
      if (affectedRows > 0) {
        await statements.change("INSERT INTO app_attempts (channel_id, call_id, attempt, node, dialled_at) VALUES (?, ?, 1, ?, NOW(3))", [channelId, callId, this.#node]);
        await tellIn(statements, this.#node, callId, "started");
      }
      const [row] = await statements.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE call_id = ?`, [callId]);
      return row === undefined ? null : callOf(row);
    });
  }

  /** The call is up. */
  answered(channelId: string): Promise<boolean> {
    return this.#write(channelId, async (statements, call) => {
      if (call.state === "up") return;
      await statements.change("UPDATE app_calls SET state = 'up' WHERE call_id = ?", [call.callId]);
      await statements.change("UPDATE app_attempts SET answered_at = NOW(3) WHERE channel_id = ?", [channelId]);
      await tellIn(statements, this.#node, call.callId, "answered");
    });
  }

  /** Where in its menu the call is, for an app that starts again beside a living Asterisk. */
  async isAt(channelId: string, menuNode: string): Promise<void> {
    await this.#database.change("UPDATE app_calls SET menu_node = ? WHERE channel_id = ?", [menuNode.slice(0, 255), channelId]);
  }

  tell(channelId: string, type: string, data: CallEvent["data"]): Promise<boolean> {
    return this.#write(channelId, (statements, call) => tellIn(statements, this.#node, call.callId, type, data));
  }

  /** From the end of this transaction on, the number is not called any more, whoever asks. */
  optOut(channelId: string): Promise<boolean> {
    return this.#write(channelId, (statements, call) => this.#neverAgain(statements, call.phoneNumber));
  }

  /** The attempt is over; what follows is the campaign's rule. */
  ended(channelId: string, result: Result, cause: number | null): Promise<boolean> {
    return this.#write(channelId, (statements, call) => this.#end(statements, call, result, cause));
  }

  /** Calls of this node's earlier runs, with their channels: they may still be up. */
  async leftBehind(): Promise<readonly CallRow[]> {
    const rows = await this.#database.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE state IN ('dialling', 'up') AND owner LIKE ? AND owner <> ?`, [`${this.#node}:%`, this.#owner]);
    return rows.map(callOf);
  }

  /** Channels of this run's calls, as the database has it, that are at least so old. */
  async claimedBefore(seconds: number): Promise<readonly string[]> {
    const rows = await this.#database.rows("SELECT c.channel_id FROM app_calls c JOIN app_attempts a ON a.channel_id = c.channel_id WHERE c.owner = ? AND c.state IN ('dialling', 'up') AND a.dialled_at < NOW(3) - INTERVAL ? SECOND", [this.#owner, seconds]);
    return rows.map((row) => row["channel_id"] as string);
  }

  /** Takes over a call of an earlier run. */
  async adopt(channelId: string): Promise<void> {
    await this.#database.change("UPDATE app_calls SET owner = ? WHERE channel_id = ? AND state IN ('dialling', 'up')", [this.#owner, channelId]);
  }

  /**
   * Ends, as cut, every call of another node that can't be going on any more: its owner's lease is over, or `deadNode` is its
   * owner's and has lost the address. Returns how many.
   */
  async cutOrphans(deadNode: string | null): Promise<number> {
    if (deadNode !== null) await this.#database.change("DELETE FROM app_owners WHERE node = ? AND node <> ?", [deadNode, this.#node]);
    const rows = await this.#database.rows(ORPHANED, [`${this.#node}:%`, deadNode ?? ""]);
    let cut = 0;
    for (const row of rows) cut += (await this.ended(row["channel_id"] as string, "cut", null)) ? 1 : 0;
    await this.#database.change("DELETE FROM app_owners WHERE lease_until < NOW(3) - INTERVAL 1 HOUR");
    return cut;
  }

  campaignFor(called: string): Campaign | null {
    return entranceOf(this.#campaigns, called);
  }

  /** False when the channel is not that of the call's present attempt (any more). */
  #write(channelId: string, work: (statements: Statements, call: CallRow) => Promise<void>): Promise<boolean> {
    return this.#database.together(async (statements) => {
      const [row] = await statements.rows(`SELECT ${CALL_COLUMNS} FROM app_calls WHERE channel_id = ? AND state IN ('dialling', 'up') FOR UPDATE`, [channelId]);
      if (row === undefined) return false;
      await work(statements, callOf(row));
      return true;
    });
  }

  async #neverAgain(statements: Statements, phoneNumber: string): Promise<void> {
    await statements.change("INSERT IGNORE INTO app_do_not_call (phone_number, since, origin) VALUES (?, NOW(3), 'menu')", [sameNumber(phoneNumber)]);
  }

  async #end(statements: Statements, call: CallRow, result: Result, cause: number | null): Promise<void> {
    const failures: Failures = { ...call.failures, [result]: (call.failures[result] ?? 0) + 1 };
    const [asked] = await statements.rows("SELECT cancelled FROM app_calls WHERE call_id = ?", [call.callId]);
    const verdict = asked?.["cancelled"] === 1 ? { then: "end" as const } : afterAttempt(this.#campaigns.get(call.campaignId) ?? null, call.direction, result, failures);
    await statements.change("UPDATE app_attempts SET ended_at = NOW(3), result = ?, cause = ? WHERE channel_id = ?", [result, cause, call.channelId]);
    const [times] = await statements.rows("SELECT TIMESTAMPDIFF(MICROSECOND, dialled_at, COALESCE(answered_at, ended_at)) AS ring, COALESCE(TIMESTAMPDIFF(MICROSECOND, answered_at, ended_at), 0) AS talk FROM app_attempts WHERE channel_id = ?", [call.channelId]);
    await tellIn(statements, this.#node, call.callId, "ended", { result, cause, ringSeconds: seconds(times?.["ring"]), talkSeconds: seconds(times?.["talk"]), next: verdict.then });
    if (verdict.then === "again") {
      await statements.change("UPDATE app_calls SET state = 'queued', result = ?, failures = ?, owner = NULL, channel_id = NULL, not_before = NOW(3) + INTERVAL ? MICROSECOND WHERE call_id = ?", [result, JSON.stringify(failures), verdict.waitMs * 1000, call.callId]);
      return;
    }
    await statements.change("UPDATE app_calls SET state = 'ended', result = ?, failures = ?, owner = NULL, ended_at = NOW(3) WHERE call_id = ?", [result, JSON.stringify(failures), call.callId]);
    if (verdict.then === "ring-back") await this.#ringBack(statements, call, verdict.waitMs);
  }

  /** A caller without a number can't be rung back. */
  async #ringBack(statements: Statements, call: CallRow, waitMs: number): Promise<void> {
    if (!/^\+?\d{3,15}$/.test(call.phoneNumber)) return;
    const callId = `back-${call.callId}`.slice(0, 64);
    const { affectedRows } = await enqueue(statements, { callId, phoneNumber: call.phoneNumber, campaignId: call.campaignId, contactId: call.contactId, audio: call.audio }, waitMs);
    if (affectedRows > 0) await tellIn(statements, this.#node, callId, "accepted");
  }
}

function seconds(microseconds: unknown): number {
  return Math.round(Number(microseconds ?? 0) / 1000) / 1000;
}
