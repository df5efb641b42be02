/**
 * Our own Asterisk, through three doors: plain HTTP for what is asked often, ari-client for the event socket and what
 * hangs on it (filter, subscription, canary; kept open by ari-socket.ts), and Asterisk's control socket for what ARI doesn't tell.
 */
import type { Call } from "../core/roster.ts";
import type { DroppedCalls } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Clock, ContactCounts, Telephony } from "../ports.ts";
import { CanaryCalls } from "./ari-canary.ts";
import type { AriClientSession, AriEvent } from "./ari-client-session.ts";
import { AriCalls } from "./ari-calls.ts";
import { AriHttp, expectSuccess, statusError, type AriAccess } from "./ari-http.ts";
import { AriSocket, type AriTiming } from "./ari-socket.ts";
import { AriTransport } from "./ari-transport.ts";
import { AsteriskControl } from "./asterisk-control.ts";
import { parseAlertedSubsystems, parseChannelCounts, parseDatabaseAnswer } from "./asterisk-replies.ts";
import { ContactCounter } from "./contact-counter.ts";
import { aborted, pause, within } from "./interruptible.ts";
import { StasisRegistry } from "./stasis-registry.ts";

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
  readonly timing?: Partial<TelephonyTiming>;
}

/** Timing of the event socket's upkeep, all ms. */
export interface TelephonyTiming extends AriTiming {
  /** One call of filter or subscription may take this long. */
  readonly setUpWithinMs: number;
  /** When filter or subscription failed they are tried again after this long. */
  readonly setUpAgainMs: number;
}

const TIMING: TelephonyTiming = { pingIntervalMs: 2_000, connectWithinMs: 5_000, setUpWithinMs: 2_000, setUpAgainMs: 10_000, retryMinMs: 100, retryMaxMs: 2_000, settledAfterMs: 5_000 };

/**
 * All that the agent's application may be sent. Contacts and peers for counting; StasisStart is the canary's arrival;
 * ChannelDestroyed (one a call) lets the roster forget a call at once;
 * ApplicationReplaced because somebody else's socket on our name would otherwise leave us deaf without a word (seen with
 * 22.10.1: the filter holds that back too, and the old socket stays open).
 */
const ALLOWED_EVENTS = ["ContactStatusChange", "PeerStatusChange", "StasisStart", "ApplicationReplaced", "ChannelDestroyed"];

/** The longest name of a version or a system that is handed on (characters): what a heartbeat carries. */
const NAME_MAX = 32;

/** The count of calls waits this long (ms) for a canary call to end, and then counts it too: it is stuck. */
const CANARY_WAIT_MAX_MS = 500;

/** The telephony adapter. Safe to construct while Asterisk is away. */
export class AriTelephony implements Telephony {
  /** One connection for the pings alone: nothing slow may stand in their way. */
  readonly #pingHttp: AriHttp;
  readonly #infoHttp: AriHttp;
  readonly #transport: AriTransport;
  readonly #control: AsteriskControl;
  readonly #registry: StasisRegistry;
  readonly #contacts: ContactCounter;
  readonly #canary: CanaryCalls;
  readonly #calls: AriCalls;
  readonly #socket: AriSocket;
  readonly #app: string;
  readonly #timing: TelephonyTiming;
  readonly #onDebug: (message: string) => void;
  #absence = new AgentError("AGENT_ARI_FAILED", "the ARI event socket has not been opened yet");
  #onSocket: (open: boolean) => void = () => undefined;
  #onCallEnded: (channelId: string) => void = () => undefined;

  /** @throws AGENT_CONFIG_INVALID when ariUrl isn't plain http */
  constructor(options: AriTelephonyOptions) {
    const access = options.access ?? { url: options.ariUrl, username: options.username, password: options.password };
    const { nodeId, clock, random, onDebug = () => undefined } = options;
    this.#app = `node-agent-${nodeId}`;
    this.#timing = { ...TIMING, ...options.timing };
    this.#onDebug = onDebug;
    this.#pingHttp = new AriHttp(access, 1);
    this.#infoHttp = new AriHttp(access, 1);
    this.#transport = new AriTransport(access);
    this.#control = new AsteriskControl(options.controlSocketPath);
    this.#registry = new StasisRegistry(access, this.#control);
    this.#contacts = new ContactCounter((signal) => this.#control.run("pjsip show contacts", signal), () => clock.monotonicMs());
    this.#canary = new CanaryCalls(nodeId, onDebug);
    this.#calls = new AriCalls(access);
    this.#socket = new AriSocket({
      access, app: this.#app, clock, random, timing: this.#timing,
      onOpen: (session) => this.#opened(session),
      onClosed: () => this.#onSocket(false),
      onAway: (reason) => this.#away(reason),
      onEvent: (event) => this.#note(event),
      onIgnored: (type) => onDebug(`Events of type ${type} are ignored.`),
    });
  }

  start(onSocket: (open: boolean) => void, onCallEnded?: (channelId: string) => void): void {
    this.#onCallEnded = onCallEnded ?? this.#onCallEnded;
    this.#onSocket = onSocket;
    this.#socket.start();
  }

  async ping(signal: AbortSignal): Promise<void> {
    expectSuccess("ARI ping", await this.#pingHttp.ask({ method: "GET", path: "/ari/asterisk/ping" }, signal));
  }

  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean> {
    return this.#registry.isRegistered(app, signal);
  }

  async canaryCall(signal: AbortSignal): Promise<void> {
    const { session } = this.#socket;
    if (session === null) throw new AgentError(this.#absence.code, `no canary call without the ARI event socket: ${this.#absence.message}`, this.#absence);
    await this.#canary.run(session, signal);
  }

  async alertedQueues(signal: AbortSignal): Promise<number> {
    return parseAlertedSubsystems(await this.#control.run("core show taskprocessor alerted subsystems", signal));
  }

  async databaseConnected(signal: AbortSignal): Promise<boolean> {
    return parseDatabaseAnswer(await this.#control.run("odbc read ODBC_NODE_DATABASE x exec", signal));
  }

  /** The canary call is not counted: it takes milliseconds, and its end is waited for. */
  async callCounts(signal: AbortSignal): Promise<{ readonly calls: number; readonly channels: number }> {
    await within(CANARY_WAIT_MAX_MS, signal, (late) => Promise.race([this.#canary.quiet(), aborted(late)]));
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
    this.#socket.openNoMore();
    await this.#canary.quiet();
    await this.#socket.close();
    this.#registry.close();
    this.#control.close();
    this.#transport.close();
    this.#calls.close();
    this.#pingHttp.close();
    this.#infoHttp.close();
  }

  #opened(session: AriClientSession): Promise<void> {
    // Whatever was reported while we were away is lost.
    this.#contacts.noteChange();
    this.#onSocket(true);
    return this.#setUp(session);
  }

  #away(reason: AgentError): void {
    if (reason.message !== this.#absence.message) this.#onDebug(`No ARI event socket: ${reason.message}.`);
    this.#absence = reason;
  }

  /** Filter first, then the subscription, so that no call's events slip through. Both may be repeated; both are until they succeed. */
  async #setUp(session: AriClientSession): Promise<void> {
    const soon = (): AbortSignal => AbortSignal.timeout(this.#timing.setUpWithinMs);
    while (!session.isOver()) {
      try {
        const filter = { allowed: ALLOWED_EVENTS.map((type) => ({ type })) };
        const app = await session.call("the event filter", soon(), (client) => client.applications.filter({ applicationName: this.#app, filter }));
        this.#canary.sweep(session, [app.channel_ids].flat());
        await session.call("the subscription to PJSIP's endpoints", soon(), (client) => client.applications.subscribe({ applicationName: this.#app, eventSource: "endpoint:PJSIP" }));
        return;
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        if (!session.isOver()) this.#onDebug(`${error.message}; it will be tried again.`);
        await pause(this.#timing.setUpAgainMs, session.over);
      }
    }
  }

  #note(event: AriEvent): void {
    const { session } = this.#socket;
    if (session === null) return;
    if (event.type === "ContactStatusChange" || event.type === "PeerStatusChange") return this.#contacts.noteChange();
    const ended = event.type === "ChannelDestroyed" ? event.channel?.id : undefined;
    if (typeof ended === "string") this.#onCallEnded(ended);
    this.#canary.note(session, event);
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
