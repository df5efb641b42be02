/** What the world outside is told of a call. One event is one JSON object; what it carries of a person is the contact's id, never a number. */

/** Every type that the app itself tells; a menu may tell others by names of its own. */
export const EVENT_TYPES = {
  accepted: "The call was accepted by POST /dial, or is to ring back a caller.",
  started: "An attempt begins: a number is being dialled, or a caller has come in.",
  answered: "The call is up.",
  digit: "A key was pressed: `digit`, and the menu's `node`.",
  donation: "The caller wants to donate; what else it carries is the menu's.",
  "opt-out": "The caller must not be called again. The number is on the list already.",
  transferred: "An agent has answered and talks to the caller.",
  ended: "The attempt is over: `result`, `cause` (Q.850), `ringSeconds`, `talkSeconds`, and `next`: `again`, `ring-back` or `end`.",
} as const satisfies Record<string, string>;

export interface CallEvent {
  /** The same however often the event is delivered. */
  readonly id: string;
  readonly type: string;
  readonly callId: string;
  /** 1, 2, 3 … within the call, without a gap. */
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly direction: "out" | "in";
  readonly campaignId: string;
  readonly contactId: string | null;
  readonly attempt: number;
  /** The node that tells it. */
  readonly node: string;
  readonly data: Readonly<Record<string, string | number | null>>;
}
