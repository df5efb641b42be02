/**
 * Our own Asterisk, through three doors: plain HTTP for what is asked often, ari-client for the event socket and what
 * hangs on it (filter, subscription, canary), and Asterisk's control socket for what ARI doesn't tell. The adapter's one
 * duty beyond translating is to keep the event socket open: Asterisk may be away at our start, restart, or freeze.
 */
import type { Call } from "../core/roster.ts";
import type { DroppedCalls } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Clock, ContactCounts, Telephony } from "../ports.ts";
import { CanaryCalls } from "./ari-canary.ts";
import { AriClientSession, type AriEvent } from "./ari-client-session.ts";
import { AriCalls } from "./ari-calls.ts";
import { AriHttp, expectSuccess, statusError, type AriAccess } from "./ari-http.ts";
import { AriTransport } from "./ari-transport.ts";
import { AsteriskControl } from "./asterisk-control.ts";
import { parseAlertedSubsystems, parseChannelCounts, parseDatabaseAnswer } from "./asterisk-replies.ts";
import { ContactCounter } from "./contact-counter.ts";
import { StasisRegistry } from "./stasis-registry.ts";

/** Timing of the event socket's upkeep, all ms. */
export interface AriTiming {
  /** A ping goes out this often; two in a row unanswered end the socket. */
  readonly pingIntervalMs: number;
  /** One attempt to connect may take this long; loading ARI's description takes about 0.2 s. */
  readonly connectWithinMs: number;
  /** One call of filter or subscription may take this long. */
  readonly setUpWithinMs: number;
  /** When filter or subscription failed they are tried again after this long. */
  readonly setUpAgainMs: number;
  /** The pause between attempts doubles from `min` to `max`; half of it is chance. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** A socket that lived this long was a good one: the pause starts from `min` again. */
  readonly settledAfterMs: number;
}

export interface AriTelephonyOptions {
  /** `http://host:port`. */
  readonly ariUrl: string;
  readonly username: string;
  readonly password: string;
  /** In place of the three above: shared with others, who may change its password. */
  readonly access?: AriAccess;
  readonly nodeId: string;
  /** Where Asterisk's control socket is, `/var/run/asterisk/asterisk.ctl` as a rule. */
  readonly controlSocketPath: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Sentences for the debug log: no secrets, no numbers. */
  readonly onDebug?: (message: string) => void;
  readonly timing?: Partial<AriTiming>;
}

const TIMING: AriTiming = { pingIntervalMs: 2_000, connectWithinMs: 5_000, setUpWithinMs: 2_000, setUpAgainMs: 10_000, retryMinMs: 100, retryMaxMs: 2_000, settledAfterMs: 5_000 };

/** The longest name of a version or a system that is handed on (characters): what a heartbeat carries. */
const NAME_MAX = 32;

/** The count of calls waits this long (ms) for a canary call to end, and then counts it too: it is stuck. */
const CANARY_WAIT_MAX_MS = 500;

/**
 * All that the agent's application may be sent. Contacts and peers for counting; StasisStart is the canary's arrival;
 * ChannelDestroyed (one a call) lets the roster forget a call at once;
 * ApplicationReplaced because somebody else's socket on our name would otherwise leave us deaf without a word (seen with
 * 22.10.1: the filter holds that back too, and the old socket stays open).
 */
const ALLOWED_EVENTS = ["ContactStatusChange", "PeerStatusChange", "StasisStart", "ApplicationReplaced", "ChannelDestroyed"];

/** The telephony adapter. Safe to construct while Asterisk is away. */
export class AriTelephony implements Telephony {
  readonly #access: AriAccess;
  readonly #app: string;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #random: () => number;
  readonly #onDebug: (message: string) => void;
  readonly #timing: AriTiming;
  /** One connection for the pings alone: nothing slow may stand in their way. */
  readonly #pingHttp: AriHttp;
  readonly #infoHttp: AriHttp;
  readonly #transport: AriTransport;
  readonly #control: AsteriskControl;
  readonly #registry: StasisRegistry;
  readonly #contacts: ContactCounter;
  readonly #canary: CanaryCalls;
  readonly #calls: AriCalls;
  #onCallEnded: (channelId: string) => void = () => undefined;
  readonly #closing = new AbortController();
  #session: AriClientSession | null = null;
  #absence = new AgentError("AGENT_ARI_FAILED", "the ARI event socket has not been opened yet");
  #upkeep: Promise<void> | null = null;

  /** @throws AGENT_CONFIG_INVALID when ariUrl isn't plain http */
  constructor(options: AriTelephonyOptions) {
    this.#access = options.access ?? { url: options.ariUrl, username: options.username, password: options.password };
    this.#app = `node-agent-${options.nodeId}`;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onDebug = options.onDebug ?? (() => undefined);
    this.#timing = { ...TIMING, ...options.timing };
    this.#pingHttp = new AriHttp(this.#access, 1);
    this.#infoHttp = new AriHttp(this.#access, 1);
    this.#transport = new AriTransport(this.#access);
    this.#control = new AsteriskControl(options.controlSocketPath);
    this.#registry = new StasisRegistry(this.#access, this.#control);
    this.#contacts = new ContactCounter((signal) => this.#control.run("pjsip show contacts", signal), () => this.#clock.monotonicMs());
    this.#canary = new CanaryCalls(options.nodeId, this.#onDebug);
    this.#calls = new AriCalls(this.#access);
  }

  start(onSocket: (open: boolean) => void, onCallEnded?: (channelId: string) => void): void {
    this.#onCallEnded = onCallEnded ?? this.#onCallEnded;
    this.#upkeep ??= this.#keepSocket(onSocket);
  }

  async ping(signal: AbortSignal): Promise<void> {
    expectSuccess("ARI ping", await this.#pingHttp.ask({ method: "GET", path: "/ari/asterisk/ping" }, signal));
  }

  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean> {
    return this.#registry.isRegistered(app, signal);
  }

  async canaryCall(signal: AbortSignal): Promise<void> {
    if (this.#session === null) throw new AgentError(this.#absence.code, `no canary call without the ARI event socket: ${this.#absence.message}`, this.#absence);
    await this.#canary.run(this.#session, signal);
  }

  async alertedQueues(signal: AbortSignal): Promise<number> {
    return parseAlertedSubsystems(await this.#control.run("core show taskprocessor alerted subsystems", signal));
  }

  async databaseConnected(signal: AbortSignal): Promise<boolean> {
    return parseDatabaseAnswer(await this.#control.run("odbc read ODBC_NODE_DATABASE x exec", signal));
  }

  /** The canary call is not counted: it takes milliseconds, and its end is waited for. */
  async callCounts(signal: AbortSignal): Promise<{ readonly calls: number; readonly channels: number }> {
    const stop = stopAfter(CANARY_WAIT_MAX_MS, signal);
    await Promise.race([this.#canary.quiet(), aborted(stop.signal)]);
    stop.cancel();
    return parseChannelCounts(await this.#control.run("core show channels count", signal));
  }

  contactCounts(signal: AbortSignal): Promise<ContactCounts> {
    return this.#contacts.read(signal);
  }

  async describe(signal: AbortSignal): Promise<{ readonly version: string; readonly systemName: string }> {
    const reply = await this.#infoHttp.ask({ method: "GET", path: "/ari/asterisk/info" }, signal);
    expectSuccess("ARI info", reply);
    return readInfo(reply.status, reply.text);
  }

  listCalls(signal: AbortSignal): Promise<readonly Call[]> {
    return this.#calls.list(signal);
  }

  async setMaintenance(on: boolean, signal: AbortSignal): Promise<void> {
    const reply = await this.#control.run(`pjsip set maintenance ${on ? "on" : "off"} all`, signal);
    // An Asterisk that is too old says so in words.
    if (/No such command|not loaded/i.test(reply)) throw new AgentError("AGENT_ARI_FAILED", "Asterisk does not know `pjsip set maintenance`: is res_pjsip_maintenance loaded (Asterisk 22.10 or newer)?");
  }

  raiseDropped(dropped: DroppedCalls, apps: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#calls.raiseDropped(dropped, apps, signal);
  }

  /** Ends the event socket and every question; resolves when nothing of the adapter is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#canary.quiet();
    this.#session?.close();
    await this.#upkeep;
    this.#registry.close();
    this.#control.close();
    this.#transport.close();
    this.#calls.close();
    this.#pingHttp.close();
    this.#infoHttp.close();
  }

  /** The loop that holds the socket. Unbounded, because nobody else would ever open it again. */
  async #keepSocket(onSocket: (open: boolean) => void): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      const { reason, livedMs } = await this.#holdSession(onSocket);
      failures = livedMs >= this.#timing.settledAfterMs ? 1 : failures + 1;
      if (reason.message !== this.#absence.message) this.#onDebug(`No ARI event socket: ${reason.message}.`);
      this.#absence = reason;
      await pause(this.#retryDelayMs(failures), signal);
    }
  }

  /** One session from the attempt to its end; resolves with why there is none any more, and how long there was one. */
  async #holdSession(onSocket: (open: boolean) => void): Promise<{ readonly reason: AgentError; readonly livedMs: number }> {
    const { pingIntervalMs, connectWithinMs } = this.#timing;
    const deadline = stopAfter(connectWithinMs, this.#closing.signal);
    let session: AriClientSession;
    try {
      session = await AriClientSession.open(
        { access: this.#access, app: this.#app, pingIntervalMs, onEvent: (event) => this.#note(event), onIgnored: (type) => this.#onDebug(`Events of type ${type} are ignored.`) },
        deadline.signal,
      );
    } catch (error) {
      return { reason: asAgentError(error), livedMs: 0 };
    } finally {
      deadline.cancel();
    }
    const openedAtMs = this.#clock.monotonicMs();
    this.#session = session;
    // Whatever was reported while we were away is lost.
    this.#contacts.noteChange();
    onSocket(true);
    const setUp = this.#setUp(session);
    const reason = await session.ended;
    this.#session = null;
    onSocket(false);
    await setUp;
    return { reason, livedMs: this.#clock.monotonicMs() - openedAtMs };
  }

  /** Filter first, then the subscription, so that no call's events slip through. Both may be repeated; both are until they succeed. */
  async #setUp(session: AriClientSession): Promise<void> {
    const within = (): AbortSignal => AbortSignal.timeout(this.#timing.setUpWithinMs);
    while (!session.isOver()) {
      try {
        const filter = { allowed: ALLOWED_EVENTS.map((type) => ({ type })) };
        const app = await session.call("the event filter", within(), (client) => client.applications.filter({ applicationName: this.#app, filter }));
        this.#canary.sweep(session, [app.channel_ids].flat());
        await session.call("the subscription to PJSIP's endpoints", within(), (client) => client.applications.subscribe({ applicationName: this.#app, eventSource: "endpoint:PJSIP" }));
        return;
      } catch (error) {
        const { message } = asAgentError(error);
        if (!session.isOver()) this.#onDebug(`${message}; it will be tried again.`);
        await pause(this.#timing.setUpAgainMs, session.over);
      }
    }
  }

  #note(event: AriEvent): void {
    if (this.#session === null) return;
    if (event.type === "ApplicationReplaced") {
      this.#session.close(`another program has opened an event socket as ${this.#app} (a second agent with this NODE_ID?)`);
    } else if (event.type === "ContactStatusChange" || event.type === "PeerStatusChange") this.#contacts.noteChange();
    else {
      const ended = event.type === "ChannelDestroyed" ? event.channel?.id : undefined;
      if (typeof ended === "string") this.#onCallEnded(ended);
      this.#canary.note(this.#session, event);
    }
  }

  #retryDelayMs(failures: number): number {
    const { retryMinMs, retryMaxMs } = this.#timing;
    const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures - 1, 20));
    return delayMs * (0.5 + this.#random() / 2);
  }
}

/** Names go into log lines and heartbeats; of a longer version the beginning tells enough, and a heartbeat that carried all of it would be refused. */
function named(text: string): string {
  return text.slice(0, NAME_MAX).replaceAll(/[^\x20-\x7e]/g, "?");
}

function readInfo(status: number, text: string): { readonly version: string; readonly systemName: string } {
  try {
    const info = JSON.parse(text) as { system?: { version?: unknown }; config?: { name?: unknown } } | null;
    const version = info?.system?.version;
    const name = info?.config?.name;
    if (typeof version === "string" && version !== "") return { version: named(version), systemName: typeof name === "string" ? named(name) : "" };
  } catch (cause) {
    throw new AgentError("AGENT_ARI_FAILED", "ARI info is not JSON", cause);
  }
  throw statusError("ARI info", status, "no version in it");
}

function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  // Not of the world's making: a defect of ours, which must not pass for an Asterisk that is away.
  throw error;
}

/** A signal that fires after that long or with `other`, whichever is first. To be cancelled when it is no longer needed. */
function stopAfter(delayMs: number, other: AbortSignal): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const cancel = (): void => {
    clearTimeout(timer);
    other.removeEventListener("abort", stop);
  };
  const stop = (): void => {
    cancel();
    controller.abort();
  };
  const timer = setTimeout(stop, delayMs);
  other.addEventListener("abort", stop, { once: true });
  if (other.aborted) stop();
  return { signal: controller.signal, cancel };
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await aborted(stopAfter(delayMs, signal).signal);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
