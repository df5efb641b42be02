/**
 * The stand-in's memory of ARI applications and channels. It keeps Asterisk's own habit (seen with 22.10.1) that an
 * application stays registered after its socket has gone while it has a subscription or a channel.
 */

/** What an application's events are sent to. A `deaf` application is registered and has none. */
export interface EventSink {
  send(event: object): void;
}

interface Application {
  sink: EventSink | null;
  /** Event types that pass; empty means all. */
  allowed: readonly string[];
  readonly subscriptions: Set<string>;
}

interface Channel {
  readonly id: string;
  readonly app: string | null;
  readonly end: NodeJS.Timeout;
}

/** The Wait() of the canary's dialplan, in ms. */
const CHANNEL_LIVES_MS = 30_000;

const NOWHERE: EventSink = { send: () => undefined };

export class AriApplications {
  readonly #apps = new Map<string, Application>();
  readonly #channels = new Map<string, Channel>();

  /** A socket opens for that application; the socket before it, if any, is told and left open, as Asterisk does. */
  attach(name: string, sink: EventSink): void {
    const old = this.#apps.get(name);
    if (old?.sink != null) this.emit(name, { type: "ApplicationReplaced" });
    this.#apps.set(name, { sink, allowed: old?.allowed ?? [], subscriptions: old?.subscriptions ?? new Set() });
  }

  /** That socket has gone. */
  detach(name: string, sink: EventSink): void {
    const app = this.#apps.get(name);
    if (app?.sink !== sink) return;
    app.sink = null;
    const used = app.subscriptions.size > 0 || [...this.#channels.values()].some((channel) => channel.app === name);
    if (!used) this.#apps.delete(name);
  }

  /** Makes an application of somebody else's appear with a socket, without one, or disappear. */
  pretend(name: string, as: "connected" | "deaf" | "missing"): void {
    if (as === "missing") this.#apps.delete(name);
    else this.#apps.set(name, { sink: as === "connected" ? NOWHERE : null, allowed: [], subscriptions: new Set() });
  }

  get(name: string): object | null {
    const app = this.#apps.get(name);
    return app === undefined ? null : this.#describe(name, app);
  }

  list(): readonly object[] {
    return [...this.#apps].map(([name, app]) => this.#describe(name, app));
  }

  /** The names with an open socket. */
  connected(): readonly string[] {
    return [...this.#apps].filter(([, app]) => app.sink !== null).map(([name]) => name);
  }

  /** false when there is no such application. */
  filter(name: string, allowed: readonly string[]): boolean {
    const app = this.#apps.get(name);
    if (app === undefined) return false;
    app.allowed = allowed;
    return true;
  }

  subscribe(name: string, source: string): boolean {
    return this.#apps.get(name)?.subscriptions.add(source) !== undefined;
  }

  /** Sends an event to one application, if its filter lets it pass. */
  emit(name: string, event: { readonly type: string } & Record<string, unknown>): void {
    const app = this.#apps.get(name);
    if (app?.sink == null) return;
    if (app.allowed.length > 0 && !app.allowed.includes(event.type)) return;
    app.sink.send({ application: name, timestamp: new Date().toISOString(), ...event });
  }

  /** A contact has changed: told to everybody who has subscribed to PJSIP's endpoints. */
  emitContactChange(): void {
    const contact = { uri: "sip:somebody@192.0.2.1", contact_status: "Reachable", aor: "somebody" };
    for (const [name, app] of this.#apps) if (app.subscriptions.has("endpoint:PJSIP")) this.emit(name, { type: "ContactStatusChange", contact_info: contact });
  }

  /** Adds a channel; it enters its application unless that is missing, or `lost` is set. */
  addChannel(id: string, app: string, lost: boolean): object {
    const enters = !lost && this.#apps.get(app)?.sink != null;
    this.#channels.set(id, { id, app: enters ? app : null, end: setTimeout(() => this.removeChannel(id), CHANNEL_LIVES_MS).unref() });
    // Like Asterisk's, the event may overtake the answer to the order.
    if (enters) this.emit(app, { type: "StasisStart", args: ["canary"], channel: showChannel(id) });
    // Without its application the dialplan ends the call at once.
    else if (!lost) this.removeChannel(id);
    return showChannel(id);
  }

  removeChannel(id: string): boolean {
    const channel = this.#channels.get(id);
    if (channel === undefined) return false;
    clearTimeout(channel.end);
    this.#channels.delete(id);
    if (channel.app !== null) this.emit(channel.app, { type: "StasisEnd", channel: showChannel(id) });
    return true;
  }

  channels(): readonly object[] {
    return [...this.#channels.keys()].map(showChannel);
  }

  #describe(name: string, app: Application): object {
    const channels = [...this.#channels.values()].filter((channel) => channel.app === name).map(({ id }) => id);
    return { name, channel_ids: channels, bridge_ids: [], endpoint_ids: [...app.subscriptions], device_names: [], events_allowed: app.allowed.map((type) => ({ type })), events_disallowed: [] };
  }

  /** Everything is forgotten, as by a crash. */
  clear(): void {
    for (const { end } of this.#channels.values()) clearTimeout(end);
    this.#channels.clear();
    this.#apps.clear();
  }
}

function showChannel(id: string): { readonly id: string; readonly name: string; readonly state: string } {
  return { id, name: `Local/answer@canary-${id};1`, state: "Up" };
}
