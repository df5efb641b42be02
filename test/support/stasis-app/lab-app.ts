// The Stasis app in the lab, run as pm2 runs it (the bundle), beside a node's real Asterisk and real agent, with the lab's database.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESS, type NodeName } from "../lab/addresses.ts";
import { CALLER_TRUNK } from "../lab/asterisk.ts";
import { labFetch } from "../lab/fetch.ts";
import type { Pair } from "../lab/pair.ts";
import type { LabProcess } from "../lab/process.ts";
import { labProgram } from "../lab/programs.ts";
import { REPOSITORY } from "../lab/roots.ts";
import type { CallEvent } from "../../../agent/stasis-app/core/event.ts";
import { waitUntil } from "../wait-until.ts";
import { CARRIER_PORT } from "./callee.ts";

export const TOKEN = "lab-token-of-the-stasis-app";
/** What the secret holds for the app. */
export const APP_SECRET = { app_database: { username: "callapp", password: "lab-app-database" }, app_token: TOKEN, app_webhook_key: TOKEN };
const API_PORT = 8092;
const STATUS = "http://127.0.0.1:8093/status";

/** The carrier of both nodes: SIPp at the caller's address. */
export const CARRIER_FILES = {
  "pjsip_local.conf": `${CALLER_TRUNK}
[carrier](trunk-by-address)
aors = carrier
[carrier](trunk-aor)
contact = sip:${ADDRESS.caller}:${CARRIER_PORT}
`,
} as const;

/** What /status of the app says, as far as tests look. */
export interface AppStatus {
  readonly role: string;
  readonly here: number;
  readonly asterisk: boolean;
  readonly database: boolean;
  readonly sink: string | null;
  readonly figures: { readonly queued: number; readonly dialling: number; readonly up: number } | null;
  readonly waiting: { readonly count: number } | null;
  readonly reactionsMs: readonly number[];
  readonly cpuMs: number;
  readonly rssBytes: number;
}

export class LabApp {
  readonly node: NodeName;
  eventsFile: string;
  readonly #pair: Pair;
  process: LabProcess | null = null;

  constructor(pair: Pair, node: NodeName) {
    this.#pair = pair;
    this.node = node;
    this.eventsFile = join(pair.lab.dir, `events-${node}.jsonl`);
  }

  /** Starts it, with the agent's own settings and secret, and waits until it is connected to everything. */
  async start(campaigns: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.process = await this.#pair.lab.spawn(this.node, process.execPath, ["--enable-source-maps", join(REPOSITORY, "dist", "stasis-app.js")], {
      name: `app-${this.node}`,
      env: {
        AGENT_ENV_FILE: join(this.#pair.lab.dir, `${this.node}.env`), APP_ENV_FILE: "/nonexistent",
        APP_LISTEN: `${ADDRESS[this.node]}:${API_PORT}`, APP_CAMPAIGNS: campaigns, APP_EVENTS_FILE: this.eventsFile, ...settings,
      },
    });
    await waitUntil(`the app of ${this.node} to be connected`, async () => {
      const status = await this.status().catch(() => null);
      return status?.asterisk === true && status.database;
    }, 30_000);
  }

  async status(): Promise<AppStatus> {
    return JSON.parse((await labFetch(this.#pair.lab, this.node, STATUS)).body) as AppStatus;
  }

  /** Posts all of these; resolves with the statuses. */
  async dial(requests: readonly object[], token = TOKEN): Promise<readonly number[]> {
    return (await this.dialTimed(requests, token)).map(([status]) => status);
  }

  /** The same, with the instants of sending (wall clock, ms). */
  async dialTimed(requests: readonly object[], token = TOKEN): Promise<readonly (readonly [status: number, sentAtMs: number])[]> {
    const { stdout } = await this.#pair.lab.run(this.node, process.execPath, [await labProgram("support/stasis-app/dial-main.ts"), `http://${ADDRESS[this.node]}:${API_PORT}`, token], { input: JSON.stringify(requests), timeoutMs: 60_000 + 200 * requests.length });
    return JSON.parse(stdout) as readonly (readonly [number, number])[];
  }

  async ask(method: string, path: string, token = TOKEN): Promise<{ readonly status: number; readonly body: unknown }> {
    const { status, body } = await labFetch(this.#pair.lab, this.node, `http://${ADDRESS[this.node]}:${API_PORT}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
    return { status, body: JSON.parse(body) };
  }

  /** The events that this node has delivered, in order. */
  async events(): Promise<readonly CallEvent[]> {
    const text = await readFile(this.eventsFile, "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as CallEvent);
  }
}

/** Gives the database its user for the app, both Asterisks a sound to play, and a folder with that campaign; resolves with the folder. */
export async function prepareApps(pair: Pair, campaign: object): Promise<string> {
  if (pair.database === null) throw new Error("the app needs a database");
  await pair.putSecret({ ...pair.secret, ...APP_SECRET });
  await pair.database.grantApp(APP_SECRET.app_database.username, APP_SECRET.app_database.password);
  for (const { asterisk } of pair.nodes.values()) await writeFile(join(asterisk.dir, "lib", "short.ulaw"), Buffer.alloc(1_600, 0xff));
  // All callees' media comes from one address here, which in the world it does not: what is still sent to a dead node's port at the Elastic
  // IP must not reach a call of the other node that happens to have the same port.
  for (const [name, { asterisk }] of pair.nodes) {
    if (name === "node-a") continue;
    await writeFile(join(asterisk.etcDir, "rtp.conf"), "[general]\nrtpstart = 20002\nrtpend = 30000\nstrictrtp = yes\nicesupport = no\n");
    await asterisk.cli("module reload res_rtp_asterisk.so");
  }
  const folder = join(pair.lab.dir, "campaigns");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "lab.json"), JSON.stringify(campaign));
  await copyFile(join(REPOSITORY, "agent/stasis-app/samples/autumn-appeal.json"), join(folder, "autumn-appeal.json"));
  return folder;
}

/** What `prepareApps` has put there: 0.2 s of silence. */
export const SHORT = "sound:/var/lib/asterisk/short";
