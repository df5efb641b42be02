/**
 * A stand-in for Asterisk, for machines that have none (the demo, the contract tests) and for faults that a real one can't
 * be talked into. It speaks SIP OPTIONS over UDP and TCP, enough ARI for the real ari-client, and the control socket.
 * It makes no calls. Where it imitates a habit of Asterisk, that habit was seen with 22.10.1, and the contract suite
 * runs against both.
 */
import { AriApplications } from "./ari-applications.ts";
import { AriServer } from "./ari-server.ts";
import { ControlSocket } from "./control-socket.ts";
import { FaultBoard, type FaultName } from "./faults.ts";
import { SipResponder } from "./sip-responder.ts";

export interface StandInOptions {
  /** The node's name: the systemname, the end of the agent's application, and what the Server header tells. */
  readonly nodeId: string;
  /** Address for SIP and ARI, 127.0.0.1 by default. Ports 0 mean any, kept over a restart. */
  readonly host?: string;
  readonly sipPort?: number;
  readonly httpPort?: number;
  readonly controlSocketPath: string;
  readonly username: string;
  readonly password: string;
  /** Stasis applications that are connected from the start. */
  readonly apps?: readonly string[];
}

const VERSION = "22.10.1-stand-in";

/** What runs between start and stop. */
interface Life {
  readonly sip: SipResponder;
  readonly ari: AriServer;
  readonly control: ControlSocket;
}

export class AsteriskStandIn {
  readonly host: string;
  readonly #options: StandInOptions;
  readonly #faults = new FaultBoard();
  readonly #apps = new AriApplications();
  #life: Life | null = null;
  #sipPort: number;
  #httpPort: number;
  #load = { calls: 0, channels: 0 };
  #contacts = { reachable: 0, unreachable: 0 };

  constructor(options: StandInOptions) {
    this.#options = options;
    this.host = options.host ?? "127.0.0.1";
    this.#sipPort = options.sipPort ?? 0;
    this.#httpPort = options.httpPort ?? 0;
  }

  /** The ports, known once it has been started. */
  get sipPort(): number {
    return this.#sipPort;
  }
  get ariUrl(): string {
    return `http://${this.host}:${this.#httpPort}`;
  }

  /** Comes up with no fault and nothing remembered. Rejects when a port or the path is taken. */
  async start(): Promise<void> {
    if (this.#life !== null) return;
    const { nodeId, username, password, controlSocketPath, apps = [] } = this.#options;
    for (const app of apps) this.#apps.pretend(app, "connected");
    const life: Life = {
      sip: new SipResponder(`node-agent ${nodeId}`, this.#faults),
      ari: new AriServer({ host: this.host, port: this.#httpPort, username, password, version: VERSION, systemName: nodeId }, this.#apps, this.#faults),
      control: new ControlSocket(this.#facts(), this.#faults),
    };
    this.#sipPort = await life.sip.listen(this.host, this.#sipPort);
    this.#httpPort = await life.ari.listen();
    await life.control.listen(controlSocketPath);
    this.#life = life;
  }

  /** Crash or stop, which look the same from outside: every port is closed, every connection reset, all is forgotten. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    this.#faults.clear();
    if (life !== null) await Promise.all([life.sip.close(), life.ari.close(), life.control.close()]);
    this.#apps.clear();
  }

  setFault(name: FaultName, on: boolean): void {
    this.#faults.set(name, on);
  }

  /** An application of somebody else: connected, registered without an event socket, or missing. */
  setApp(name: string, as: "connected" | "deaf" | "missing"): void {
    this.#apps.pretend(name, as);
  }

  /** Calls and channels besides the canary's. */
  setLoad(calls: number, channels: number): void {
    this.#load = { calls, channels };
  }

  /** Contacts, and the event that tells of the change. */
  setContacts(reachable: number, unreachable: number): void {
    this.#contacts = { reachable, unreachable };
    this.#apps.emitContactChange();
  }

  /** Sends any event to one application, past no filter but its own. */
  emit(app: string, event: { readonly type: string } & Record<string, unknown>): void {
    this.#apps.emit(app, event);
  }

  /** Sends any text on every event socket, as Asterisk never would. */
  sendRaw(text: string): void {
    this.#life?.ari.sendRaw(text);
  }

  /** Lets a page of ARI's description fail with 503, or be empty, after some good answers; mendPages() ends that. */
  breakPage(name: string, how: "unavailable" | "empty", good = 0): void {
    this.#life?.ari.breakPage(name, how, good);
  }

  mendPages(): void {
    this.#life?.ari.mendPages();
  }

  /** Ends every event socket, and nothing else. */
  dropSockets(): void {
    this.#life?.ari.dropSockets();
  }

  /** What one application has, as ARI would show it; null when it isn't registered. */
  app(name: string): unknown {
    return this.#apps.get(name);
  }

  /** How many requests to ARI, since the last start, match (`METHOD /path?query`). */
  requests(pattern: RegExp): number {
    return this.#life?.ari.requests.filter((request) => pattern.test(request)).length ?? 0;
  }

  /** Channels of canary calls that are up. */
  canaryChannels(): number {
    return this.#apps.channels().length;
  }

  #facts(): ConstructorParameters<typeof ControlSocket>[0] {
    return {
      version: VERSION,
      calls: () => this.#load.calls + this.canaryChannels(),
      channels: () => this.#load.channels + 2 * this.canaryChannels(),
      contacts: () => this.#contacts,
      alertedQueues: () => (this.#faults.has("overload") ? ["pjsip"] : []),
      connectedApps: () => this.#apps.connected(),
    };
  }
}
