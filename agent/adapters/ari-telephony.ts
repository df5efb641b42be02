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
import { aborted, stopAfter } from "./interruptible.ts";
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
  readonly timing?: Partial<AriTiming>;
}

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
  #onCallEnded: (channelId: string) => void = () => undefined;

  /** @throws AGENT_CONFIG_INVALID when ariUrl isn't plain http */
  constructor(options: AriTelephonyOptions) {
    const access = options.access ?? { url: options.ariUrl, username: options.username, password: options.password };
    const { nodeId, clock, random, onDebug = () => undefined, timing = {} } = options;
    this.#pingHttp = new AriHttp(access, 1);
    this.#infoHttp = new AriHttp(access, 1);
    this.#transport = new AriTransport(access);
    this.#control = new AsteriskControl(options.controlSocketPath);
    this.#registry = new StasisRegistry(access, this.#control);
    this.#contacts = new ContactCounter((signal) => this.#control.run("pjsip show contacts", signal), () => clock.monotonicMs());
    this.#canary = new CanaryCalls(nodeId, onDebug);
    this.#calls = new AriCalls(access);
    this.#socket = new AriSocket({
      access, app: `node-agent-${nodeId}`, clock, random, onDebug, timing,
      // Whatever was reported while we were away is lost.
      onOpen: () => this.#contacts.noteChange(),
      onSetUp: (session, channels) => this.#canary.sweep(session, channels),
      onEvent: (session, event) => this.#note(session, event),
    });
  }

  start(onSocket: (open: boolean) => void, onCallEnded?: (channelId: string) => void): void {
    this.#onCallEnded = onCallEnded ?? this.#onCallEnded;
    this.#socket.start(onSocket);
  }

  async ping(signal: AbortSignal): Promise<void> {
    expectSuccess("ARI ping", await this.#pingHttp.ask({ method: "GET", path: "/ari/asterisk/ping" }, signal));
  }

  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean> {
    return this.#registry.isRegistered(app, signal);
  }

  async canaryCall(signal: AbortSignal): Promise<void> {
    const { session, absence } = this.#socket;
    if (session === null) throw new AgentError(absence.code, `no canary call without the ARI event socket: ${absence.message}`, absence);
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

  #note(session: AriClientSession, event: AriEvent): void {
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
