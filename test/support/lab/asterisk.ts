// A real Asterisk 22 on a node of the lab, with the product's own configuration from `asterisk-config/`, filled in for
// that node. It can be killed, stopped (hung) and started again; its configuration, database and logs survive that.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESS, ELASTIC_IP, VPC_CIDR, type NodeName } from "./addresses.ts";
import { labFetch, type LabResponse } from "./fetch.ts";
import type { Lab } from "./network.ts";
import type { Exit, LabProcess } from "./process.ts";
import { labProgram } from "./programs.ts";
import { renderConfig } from "./render-config.ts";
import { besideCommand, rootedCommand } from "./rooted.ts";
import { ensureRoot, REPOSITORY } from "./roots.ts";
import { AsteriskControl } from "../../../agent/adapters/asterisk-control.ts";
import { selfSigned } from "../self-signed.ts";
import { waitUntil } from "../wait-until.ts";

export interface AsteriskOptions {
  /** Password of the ARI user `agent`; the default is `lab-ari-password`. */
  readonly ariPassword?: string;
  /** Password of the ARI user `stasis`; the agent's by default. */
  readonly stasisPassword?: string;
  /** Name of the Stasis application that incoming calls go to; the default is `callcenter`. */
  readonly stasisApp?: string;
  /** The database of phones; none by default (and then no phone can register). */
  readonly database?: { readonly host: string; readonly port: number; readonly name: string; readonly username: string; readonly password: string };
  /** Carriers with which the active registers, as in the secret. */
  readonly trunks?: readonly { readonly name: string; readonly server: string; readonly username: string; readonly password: string }[];
  /** Further configuration files by name, verbatim. Replaces files of `asterisk-config/` with the same name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A trunk at the caller's address, unauthenticated: calls from the caller reach the context `incoming`. */
export const CALLER_TRUNK = `[caller]
type = endpoint
context = incoming
disallow = all
allow = ulaw,alaw
direct_media = no
rtp_symmetric = yes
[caller]
type = identify
endpoint = caller
match = ${ADDRESS.caller}
`;

/** Makes a node's Asterisk ready to start (folders and configuration); `start()` it then. */
export async function prepareAsterisk(lab: Lab, node: NodeName, options: AsteriskOptions = {}): Promise<LabAsterisk> {
  const root = await ensureRoot("telephony", (line) => process.stderr.write(`lab: ${line}\n`));
  const asterisk = new LabAsterisk(lab, node, root, options.ariPassword ?? "lab-ari-password");
  for (const folder of ["etc/keys", "log/cdr-csv", "lib", "mount", "bin", "run"]) await mkdir(join(asterisk.dir, folder), { recursive: true });
  const { cert, key } = selfSigned("sip.lab.example");
  await writeFile(join(asterisk.etcDir, "keys/sip.crt"), cert);
  await writeFile(join(asterisk.etcDir, "keys/sip.key"), key, { mode: 0o640 });
  const { database, trunks = [] } = options;
  const values = {
    node_id: node,
    elastic_ip: ELASTIC_IP,
    local_net: VPC_CIDR,
    ari_password: asterisk.ariPassword,
    stasis_password: options.stasisPassword ?? asterisk.ariPassword,
    stasis_app: options.stasisApp ?? "callcenter",
    tls: [{ certificate_file: "/etc/asterisk/keys/sip.crt", key_file: "/etc/asterisk/keys/sip.key" }],
    database: database === undefined ? [] : [{ ...database, port: String(database.port) }],
    trunks: trunks.map((trunk) => ({ ...trunk, host: trunk.server.replace(/:\d+$/, ""), username_in_uri: encodeURIComponent(trunk.username) })),
  };
  await renderConfig(join(REPOSITORY, "asterisk-config"), asterisk.etcDir, values);
  for (const [name, text] of Object.entries({ "pjsip_local.conf": CALLER_TRUNK, ...options.files })) {
    await writeFile(join(asterisk.etcDir, name), text);
  }
  return asterisk;
}

export class LabAsterisk {
  readonly node: NodeName;
  readonly ariPassword: string;
  /** What is /etc/asterisk inside; may be written from outside, by an agent for example. */
  readonly etcDir: string;
  /** What is /var/log/asterisk inside. */
  readonly logDir: string;
  /** Folder of this instance. */
  readonly dir: string;
  /** Holds a command `asterisk` that talks to this instance (`asterisk -rx ...`); put it first in an agent's PATH. */
  readonly binDir: string;
  /** Asterisk's control socket, as processes outside its root see it. */
  readonly controlSocket: string;
  readonly #lab: Lab;
  readonly #root: string;
  readonly #control: AsteriskControl;
  #process: LabProcess | null = null;

  constructor(lab: Lab, node: NodeName, root: string, ariPassword: string) {
    this.#lab = lab;
    this.node = node;
    this.ariPassword = ariPassword;
    this.#root = root;
    this.dir = join(lab.dir, `asterisk-${node}`);
    this.etcDir = join(this.dir, "etc");
    this.logDir = join(this.dir, "log");
    this.binDir = join(this.dir, "bin");
    this.controlSocket = join(this.dir, "run", "asterisk.ctl");
    this.#control = new AsteriskControl(this.controlSocket);
  }

  /** Starts the process; `waitBooted()` tells when it takes calls. Throws if it runs already. */
  async start(): Promise<void> {
    if (this.#process?.running() === true) throw new Error(`Asterisk of ${this.node} runs already`);
    const { command, args } = rootedCommand({
      root: this.#root,
      mountpoint: join(this.dir, "mount"),
      hostname: this.node,
      binds: { [this.etcDir]: "/etc/asterisk", [this.logDir]: "/var/log/asterisk", [join(this.dir, "lib")]: "/var/lib/asterisk", [join(this.dir, "run")]: "/run/asterisk" },
      prepare: `echo "127.0.0.1 localhost\n${ADDRESS[this.node]} ${this.node}" > /etc/hosts
        chown -R asterisk: /etc/asterisk /run/asterisk /var/log/asterisk /var/lib/asterisk`,
      command: "asterisk",
      args: ["-f", "-n", "-U", "asterisk", "-G", "asterisk"],
    });
    this.#process = await this.#lab.spawn(this.node, command, args, { name: "asterisk", env: { ODBCSYSINI: "/etc/asterisk" } });
    const beside = besideCommand(this.#process.pid, "asterisk", []);
    await writeFile(join(this.binDir, "asterisk"), `#!/bin/sh\nexec ${[beside.command, ...beside.args].join(" ")} "$@"\n`, { mode: 0o755 });
  }

  /** Resolves when Asterisk says that it is fully booted; rejects when it ends before or takes longer than `withinMs` (20 s). */
  async waitBooted(withinMs = 20_000): Promise<void> {
    const booted = async () => !this.running() || (await this.cli("core waitfullybooted")).includes("fully booted");
    await waitUntil(`Asterisk of ${this.node} to boot`, booted, withinMs);
    if (!this.running()) throw new Error(`Asterisk of ${this.node} ended while booting:\n${this.#process?.log() ?? ""}`);
  }

  /** Has the agent's own code turn this Asterisk to a role, in a process of its own, as quickly as an agent would. */
  async takeRole(role: "active" | "standby"): Promise<void> {
    await this.#lab.run(this.node, process.execPath, [await labProgram("support/lab/take-role-main.ts"), role, this.etcDir, this.controlSocket, this.ariPassword], { timeoutMs: 30_000 });
  }

  /** Process id of Asterisk itself. Throws when it was never started. */
  get pid(): number {
    if (this.#process === null) throw new Error(`Asterisk of ${this.node} was never started`);
    return this.#process.pid;
  }

  /** True from start() until the process has ended; a stopped (hung) process counts as running. */
  running(): boolean {
    return this.#process?.running() ?? false;
  }

  /** Kills Asterisk (SIGKILL by default: a crash) and resolves when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Exit> {
    if (this.#process === null) throw new Error(`Asterisk of ${this.node} was never started`);
    this.#process.kill(signal);
    return this.#process.exited;
  }

  /** Hangs Asterisk: the kernel still accepts its TCP connections, but nothing is answered. */
  stop(): void {
    this.#process?.kill("SIGSTOP");
  }

  /** Ends a `stop()`. */
  cont(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Runs a command of Asterisk's console (as `asterisk -rx` does, without a process) and resolves with what it prints. Rejects when Asterisk doesn't answer in 5 s. */
  cli(command: string): Promise<string> {
    return this.#control.run(command, AbortSignal.timeout(5000));
  }

  /** An ARI request as the user `agent`, from inside the node; `path` as in `/asterisk/ping`. Rejects when there is no answer in time. */
  async ari(method: string, path: string, options: { readonly timeoutMs?: number } = {}): Promise<LabResponse> {
    const authorization = `Basic ${Buffer.from(`agent:${this.ariPassword}`).toString("base64")}`;
    return labFetch(this.#lab, this.node, `http://127.0.0.1:8088/ari${path}`, { method, headers: { authorization }, ...options });
  }

  /** The lines of Asterisk's own log (`messages.log`), of all starts. */
  async messages(): Promise<string[]> {
    const text = await readFile(join(this.logDir, "messages.log"), "utf8");
    return text.split("\n").filter((line) => line !== "");
  }
}
