/** The whole app, put together from its settings, its secret and its campaigns. Knows how to start and how to end; decides nothing. */
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { pause } from "../adapters/interruptible.ts";
import { Api } from "./api/api.ts";
import { endServer, serve } from "./api/http-face.ts";
import type { HealthBody } from "./api/schemas.ts";
import type { AriAccess } from "../adapters/ari-http.ts";
import { checkForSink, openMetrics, openSink, type Aws } from "./aws.ts";
import { AriLink } from "./calls/ari-link.ts";
import { Dialler } from "./calls/dialler.ts";
import { Runner } from "./calls/runner.ts";
import { appMetrics } from "./core/app-metrics.ts";
import type { Campaign } from "./core/campaign.ts";
import type { AppRole } from "./core/role.ts";
import { TroubleBook, type Log } from "./log.ts";
import { MetricSender } from "./metric-sender.ts";
import { RoleWatch } from "./role-watch.ts";
import type { Rounds } from "./rounds.ts";
import { parseAppSecret, type AppSecret } from "./secret.ts";
import { SecretWatch } from "./secret-watch.ts";
import type { Settings } from "./settings.ts";
import { EventSender } from "./sinks/sender.ts";
import { CallBook } from "./store/call-book.ts";
import { CallQueue } from "./store/call-queue.ts";
import { Database, type DatabaseAccess } from "./store/database.ts";
import { readFigures } from "./store/figures.ts";
import { Outbox } from "./store/outbox.ts";
import { retentionRounds } from "./store/retention.ts";

const LINE_AGAIN_MS = 1_000;
const WRITTEN_WITHIN_MS = 3_000;

export interface AppParts {
  readonly settings: Settings;
  readonly secretText: string;
  readonly readSecret: (signal: AbortSignal) => Promise<string>;
  readonly campaigns: ReadonlyMap<string, Campaign>;
  readonly aws: Aws | null;
  readonly log: Log;
  readonly version: string;
}

export class App {
  readonly #parts: AppParts;
  readonly #trouble: TroubleBook;
  readonly #stop = new AbortController();
  readonly #database: Database;
  readonly #outbox: Outbox;
  readonly #role: RoleWatch;
  readonly #ari: AriLink;
  readonly #runner: Runner;
  readonly #dialler: Dialler;
  readonly #sender: EventSender;
  readonly #api: Api;
  readonly #metrics: MetricSender | null;
  readonly #retention: Rounds;
  readonly #access: AriAccess;
  readonly #secretWatch: SecretWatch;
  #secret: AppSecret;
  #secretTrouble: string | null = null;
  #sinkTrouble: string | null = null;
  #servers: Server[] = [];

  constructor(parts: AppParts) {
    this.#parts = parts;
    const { aws, campaigns, log, settings, version } = parts;
    this.#secret = parseAppSecret(parts.secretText);
    checkForSink(settings, this.#secret);
    const monotonicMs = (): number => performance.now();
    this.#trouble = new TroubleBook(log, monotonicMs);
    const { note } = this.#trouble;
    this.#secretWatch = new SecretWatch({
      inUse: parts.secretText, read: parts.readSecret, intervalMs: settings.SECRET_INTERVAL_MS, monotonicMs, use: (secret) => this.#useSecret(secret),
      onUsed: () => log.info({ event: "secret-rotated" }, "A new version of the secret is in use."),
      onTrouble: (message) => {
        this.#secretTrouble = message;
        if (message !== null) log.warn({ event: "secret-trouble" }, `The newest secret is not in use: ${message}`);
      },
    });
    this.#database = new Database(this.#databaseAccess(), () => void this.#secretWatch.look());
    const owner = `${settings.NODE_ID}:${randomBytes(6).toString("hex")}`;
    const queue = new CallQueue(this.#database, settings.NODE_ID, owner);
    const book = new CallBook(this.#database, settings.NODE_ID, owner, campaigns);
    this.#outbox = new Outbox(this.#database);
    this.#role = new RoleWatch({ ...settings.STATUS_LISTEN, intervalMs: settings.APP_ROLE_INTERVAL_MS, graceMs: settings.APP_ROLE_GRACE_MS, monotonicMs, onRole: (role, before) => this.#roleIs(role, before) });
    this.#access = { url: settings.ARI_URL, username: settings.APP_ARI_USERNAME, password: this.#secret.ariPassword };
    this.#ari = new AriLink({
      access: this.#access, app: settings.INCOMING_APP, monotonicMs, random: Math.random,
      onSignal: (signal) => this.#runner.signal(signal),
      onUp: () => { log.info({ event: "line-up" }, "Connected to Asterisk."); void this.#lineUp(); },
      onDown: (why) => note(`no connection to Asterisk: ${why}`, null),
      onDenied: () => this.#secretWatch.look(),
    });
    this.#runner = new Runner(this.#ari, { campaigns, book, monotonicMs, stop: this.#stop.signal, isActive: async () => this.#isActive() || (await this.#role.ask()) !== "standby", onDropped: (from) => void this.#dropped(from), onTrouble: note });
    this.#dialler = new Dialler({
      campaigns, trunkLimits: settings.APP_TRUNK_LIMITS, queue, book, runner: this.#runner, leaseMs: settings.APP_LEASE_MS, monotonicMs, isActive: () => this.#isActive(), mayDial: () => this.#role.mayDial && this.#ari.isUp, onTrouble: note,
      onCut: (count, node) => log.warn({ event: "calls-cut", count, lostBy: node }, `${count} calls of a lost node were given back to their campaigns.`),
    });
    this.#sender = new EventSender({
      outbox: this.#outbox, sink: openSink(settings, () => this.#secret, aws), random: Math.random, mayRun: () => this.#isActive(),
      onTrouble: (message) => {
        this.#sinkTrouble = message;
        if (message === null) log.info({ event: "sink-back" }, "Events are delivered again.");
        else log.warn({ event: "sink-trouble" }, `Events wait: ${message}`);
      },
    });
    const metrics = openMetrics(settings, aws);
    this.#metrics = metrics === null ? null : new MetricSender({ ...metrics, intervalMs: settings.APP_METRICS_INTERVAL_MS, wallMs: () => Date.now(), isActive: () => this.#isActive(), values: async (dropped) => appMetrics(await readFigures(this.#database), await this.#outbox.waiting(), dropped), onTrouble: note });
    this.#retention = retentionRounds({
      database: this.#database, keepDays: settings.APP_KEEP_DAYS, isActive: () => this.#isActive(), onTrouble: note,
      onForgotten: (calls) => log.info({ event: "calls-forgotten", calls, keepDays: settings.APP_KEEP_DAYS }, `${calls} calls older than ${settings.APP_KEEP_DAYS} days were removed.`),
    });
    this.#api = new Api({ tokens: () => this.#secret.tokens, version, queue, campaigns, health: () => this.#health(), onAccepted: () => this.#dialler.poke(), onTrouble: note });
  }

  async start(): Promise<void> {
    const { log, settings } = this.#parts;
    const onDefect = (error: unknown): void => log.error({ event: "defect-found", err: error instanceof Error ? { name: error.name, stack: error.stack } : {} }, "An error that should not exist.");
    this.#servers = [
      await serve(settings.APP_LISTEN, (question) => this.#api.answer(question), onDefect),
      await serve(settings.APP_STATUS_LISTEN, async ({ path }) => (path === "/status" ? { status: 200, body: await this.#status() } : { status: 404, body: {} }), onDefect),
    ];
    this.#role.start();
    this.#ari.start();
    this.#dialler.start();
    this.#sender.start();
    this.#secretWatch.start();
    this.#metrics?.start();
    if (settings.APP_KEEP_DAYS > 0) this.#retention.start();
    log.info({ event: "app-started", campaigns: [...this.#parts.campaigns.keys()], sink: settings.APP_SINK }, "The Stasis app runs.");
  }

  /** Calls that are up stay up: Asterisk keeps them, and the next run of the app takes them up where they are. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map(endServer));
    await this.#dialler.close();
    await Promise.race([this.#runner.written(), sleep(WRITTEN_WITHIN_MS)]);
    this.#stop.abort();
    await Promise.all([this.#role.close(), this.#ari.close(), this.#sender.close(), this.#secretWatch.close(), this.#metrics?.close(), this.#retention.close()]);
    await this.#database.close();
  }

  #isActive(): boolean {
    return this.#role.role !== "standby";
  }

  #roleIs(role: AppRole, before: AppRole): void {
    this.#parts.log.info({ event: "role-changed", from: before, to: role }, `This node's app is ${role}.`);
    if (role === "standby") this.#runner.cutAll();
    else this.#dialler.poke();
  }

  /** The agent raises it as the new active; its status says so at once. */
  async #dropped(from: string): Promise<void> {
    await this.#role.ask();
    await this.#dialler.dropped(from);
  }

  #databaseAccess(): DatabaseAccess {
    const { DATABASE_HOST: host, DATABASE_NAME: name, DATABASE_PORT: port } = this.#parts.settings;
    return { host, port, name, ...this.#secret.database };
  }

  /** Asterisk takes either password until it has read its file again; the database may still have the old one, and then it is tried again. */
  async #useSecret(secret: AppSecret): Promise<void> {
    checkForSink(this.#parts.settings, secret);
    this.#secret = secret;
    if (this.#access.password !== secret.ariPassword) this.#access.otherPassword = secret.ariPassword;
    await this.#database.use(this.#databaseAccess());
  }

  async #lineUp(): Promise<void> {
    while (this.#ari.isUp && !this.#stop.signal.aborted) {
      try {
        await this.#runner.lineUp();
        return;
      } catch (error) {
        this.#trouble.note("calls of an earlier run could not be looked for", error);
        await pause(LINE_AGAIN_MS, this.#stop.signal);
      }
    }
  }

  async #health(): Promise<HealthBody> {
    const database = await this.#database.rows("SELECT 1").then(() => true, () => false);
    const asterisk = this.#ari.isUp;
    return { status: database && asterisk ? "ok" : "degraded", node: this.#parts.settings.NODE_ID, role: this.#role.role, database, asterisk, sink: this.#sinkTrouble };
  }

  /** For nodectl and the page, on the loopback: figures, never a number. */
  async #status(): Promise<unknown> {
    const health = await this.#health();
    const figures = health.database ? await readFigures(this.#database) : null;
    const waiting = health.database ? await this.#outbox.waiting() : null;
    return { ...health, secret: this.#secretTrouble, figures, waiting, here: this.#runner.count, reactionsMs: this.#runner.reactionsMs, campaigns: [...this.#parts.campaigns.values()].map((campaign) => ({ campaign: campaign.campaign, running: this.#runner.running(campaign.campaign), ...campaign.pacing })), cpuMs: Math.round(process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000), rssBytes: process.memoryUsage.rss() };
  }
}
