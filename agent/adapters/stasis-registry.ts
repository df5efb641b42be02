/**
 * Is a Stasis application there to take calls? Two questions, because neither is enough. `GET /applications/{app}` tells
 * that the name is registered, and hangs when Asterisk's ARI session lock is stuck, which no other probe notices. But a
 * name stays registered after its event socket has gone, as long as it still has a channel or a subscription (seen with
 * 22.10.1), which is just what a crash under load leaves behind. So the list of open event sockets is asked too.
 */
import { AgentError } from "../errors.ts";
import { AriHttp, expectSuccess, type AriAccess, type AriReply } from "./ari-http.ts";
import type { AsteriskControl } from "./asterisk-control.ts";
import { parseSessionApps } from "./asterisk-replies.ts";

/** After this long (ms) an unanswered question is given up for lost and may be asked again. */
const UNANSWERED_MAX_AGE_MS = 300_000;

/** The question that is under way for one application. */
interface Asked {
  readonly reply: Promise<AriReply>;
  readonly stop: AbortController;
}

/** Asks for applications; never twice at once for the same one. */
export class StasisRegistry {
  readonly #http: AriHttp;
  readonly #control: AsteriskControl;
  readonly #asked = new Map<string, Asked>();

  constructor(access: AriAccess, control: AsteriskControl) {
    this.#http = new AriHttp(access, 4);
    this.#control = control;
  }

  /**
   * False when the application isn't registered, or is but has no open event socket. An application that is served by
   * per-call outbound WebSockets has none between calls, and can't be judged this way.
   * @throws AGENT_PROBE_TIMEOUT, AGENT_PROBE_REFUSED, AGENT_ARI_DENIED or AGENT_ARI_FAILED when that can't be told
   */
  async isRegistered(app: string, signal: AbortSignal): Promise<boolean> {
    const reply = await this.#listed(app, signal);
    if (reply.status === 404) return false;
    expectSuccess(`ARI application ${app}`, reply);
    const connected = await this.#connectedApps(signal);
    // An Asterisk before 22.5, or one whose control socket is not ours to use, tells only that the name is registered.
    return connected === null || connected.has(app);
  }

  close(): void {
    for (const { stop } of this.#asked.values()) stop.abort();
    this.#http.close();
  }

  /**
   * A question that hangs keeps one of Asterisk's threads and one of its HTTP sessions (`sessionlimit` in http.conf), so it is neither cut off nor
   * repeated: the next caller waits for the same answer.
   */
  async #listed(app: string, signal: AbortSignal): Promise<AriReply> {
    const asked = this.#asked.get(app) ?? this.#ask(app);
    let late = (): void => undefined;
    const stopped = new Promise<never>((_resolve, reject) => {
      late = () => reject(new AgentError("AGENT_PROBE_TIMEOUT", `ARI did not tell in time whether application ${app} is registered`));
      if (signal.aborted) late();
      signal.addEventListener("abort", late, { once: true });
    });
    return Promise.race([asked.reply, stopped]).finally(() => signal.removeEventListener("abort", late));
  }

  #ask(app: string): Asked {
    const stop = new AbortController();
    const age = setTimeout(() => stop.abort(), UNANSWERED_MAX_AGE_MS).unref();
    const reply = this.#http.ask({ method: "GET", path: `/ari/applications/${encodeURIComponent(app)}` }, stop.signal).finally(() => {
      clearTimeout(age);
      this.#asked.delete(app);
    });
    // Whoever waits gets the failure; when nobody waits any more it is of no interest.
    reply.catch(() => undefined);
    const asked = { reply, stop };
    this.#asked.set(app, asked);
    return asked;
  }

  async #connectedApps(signal: AbortSignal): Promise<ReadonlySet<string> | null> {
    try {
      return parseSessionApps(await this.#control.run("ari show websocket sessions", signal));
    } catch (error) {
      // A hang is the answer to the question; a control socket that isn't there or isn't ours has its own probes to tell.
      if (error instanceof AgentError && error.code === "AGENT_PROBE_TIMEOUT") throw error;
      return null;
    }
  }
}
