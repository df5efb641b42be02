/**
 * The calls of our Asterisk, through ARI: listed for the roster, and named to the Stasis applications when a failover has
 * cut a peer's. Listing costs Asterisk some 35 µs of CPU a channel, so how often is the core's business.
 */
import { z } from "zod";
import type { Call } from "../core/roster.ts";
import type { DroppedCalls } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import { AriHttp, expectSuccess, type AriAccess } from "./ari-http.ts";

/** Of ARI's channel only what the roster needs; names of the far end may be anything, so they are cut. */
const channelsSchema = z.array(z.object({ id: z.string(), name: z.string(), state: z.string(), creationtime: z.string(), caller: z.object({ number: z.string() }) }));

const ID_MAX = 64;
const PARTY_MAX = 64;

/** Calls named in one user event; an application gets as many events as are needed. */
const CALLS_PER_EVENT = 100;

export class AriCalls {
  readonly #http: AriHttp;

  constructor(access: AriAccess) {
    this.#http = new AriHttp(access, 1);
  }

  /** Every PJSIP channel that is up. A channel whose far end has no number has an empty `party`. */
  async list(signal: AbortSignal): Promise<readonly Call[]> {
    const reply = await this.#http.ask({ method: "GET", path: "/ari/channels" }, signal);
    expectSuccess("ARI channels", reply);
    return callsOf(reply.text);
  }

  /** Raises the user event `CallsDropped` in each application, with the calls in parts. */
  async raiseDropped(dropped: DroppedCalls, apps: readonly string[], signal: AbortSignal): Promise<void> {
    const parts = Math.max(1, Math.ceil(dropped.calls.length / CALLS_PER_EVENT));
    for (const app of apps) {
      for (let part = 0; part < parts; part += 1) {
        const calls = dropped.calls.slice(part * CALLS_PER_EVENT, (part + 1) * CALLS_PER_EVENT);
        const body = JSON.stringify({ variables: { from: dropped.from, at: new Date(dropped.atWallMs).toISOString(), reason: dropped.reason, part, parts, calls } });
        const reply = await this.#http.ask({ method: "POST", path: `/ari/events/user/CallsDropped?application=${encodeURIComponent(app)}`, body }, signal);
        expectSuccess("ARI user event CallsDropped", reply);
      }
    }
  }

  close(): void {
    this.#http.close();
  }
}

/** The calls in ARI's list of channels. Its text is never quoted in an error: it is full of numbers. */
export function callsOf(text: string): readonly Call[] {
  const parsed = channelsSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new AgentError("AGENT_ARI_FAILED", "ARI's list of channels is not of the expected shape");
  return parsed.data
    .filter((channel) => channel.name.startsWith("PJSIP/") && channel.state === "Up" && channel.id.length <= ID_MAX)
    .map((channel) => ({ id: channel.id, party: channel.caller.number.slice(0, PARTY_MAX), sinceWallMs: Math.max(0, Date.parse(channel.creationtime) || 0) }));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    throw new AgentError("AGENT_ARI_FAILED", "ARI's list of channels is not JSON");
  }
}
