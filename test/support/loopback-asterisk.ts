/**
 * A real Asterisk from the lab's Debian root with the product's configuration, on this machine's own loopback and on ports
 * of its own: for tests in which the code under test runs in the test's own process, not in a namespace of the lab.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { renderConfig } from "./lab/render-config.ts";
import { ensureHostTools } from "./lab/host-tools.ts";
import { startProcess, type LabProcess } from "./lab/process.ts";
import { besideCommand, rootedCommand } from "./lab/rooted.ts";
import { ensureRoot, REPOSITORY } from "./lab/roots.ts";
import { run } from "./lab/run.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { untilFrozen } from "./until-frozen.ts";
import { waitUntil } from "./wait-until.ts";

const NODE = "node-a";
const PASSWORD = "loopback-pass";
const HOST = "127.0.0.1";

export class LoopbackAsterisk {
  readonly nodeId = NODE;
  readonly username = "agent";
  readonly password = PASSWORD;
  readonly host = HOST;
  readonly port: number;
  readonly ariUrl: string;
  readonly controlSocketPath: string;
  readonly #root: string;
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  #process: LabProcess | null = null;

  private constructor(root: string, folder: Awaited<ReturnType<typeof temporaryFolder>>, sipPort: number, httpPort: number) {
    this.#root = root;
    this.#folder = folder;
    this.port = sipPort;
    this.ariUrl = `http://${HOST}:${httpPort}`;
    this.controlSocketPath = join(folder.path, "run", "asterisk.ctl");
  }

  /** Makes one and starts it. Rejects with a remedy where the machine can't (see lab/host-tools.ts). */
  static async make(): Promise<LoopbackAsterisk> {
    await ensureHostTools((line) => process.stderr.write(`${line}\n`));
    const root = await ensureRoot("telephony", (line) => process.stderr.write(`${line}\n`));
    const folder = await temporaryFolder();
    try {
      return await LoopbackAsterisk.#makeIn(folder, root);
    } catch (error) {
      await folder.remove();
      throw error;
    }
  }

  static async #makeIn(folder: Awaited<ReturnType<typeof temporaryFolder>>, root: string): Promise<LoopbackAsterisk> {
    const [sipPort, httpPort] = [await freePort(), await freePort()];
    for (const name of ["etc", "log/cdr-csv", "lib", "mount", "run"]) await mkdir(join(folder.path, name), { recursive: true });
    const etc = join(folder.path, "etc");
    await renderConfig(join(REPOSITORY, "asterisk-config"), etc, { node_id: NODE, elastic_ip: "203.0.113.10", local_net: "10.0.0.0/16", ari_password: PASSWORD, stasis_app: "callcenter" });
    await replaceIn(join(etc, "http.conf"), /^bindport = 8088$/gm, `bindport = ${httpPort}`);
    await replaceIn(join(etc, "pjsip.conf"), /^bind = 0\.0\.0\.0:5060$/gm, `bind = ${HOST}:${sipPort}`);
    const asterisk = new LoopbackAsterisk(root, folder, sipPort, httpPort);
    try {
      await asterisk.start();
    } catch (error) {
      await asterisk.kill();
      throw error;
    }
    return asterisk;
  }

  /** Starts it and waits until it is fully booted. */
  async start(): Promise<void> {
    const at = (name: string): string => join(this.#folder.path, name);
    const { command, args } = rootedCommand({
      root: this.#root,
      mountpoint: at("mount"),
      hostname: NODE,
      binds: { [at("etc")]: "/etc/asterisk", [at("log")]: "/var/log/asterisk", [at("lib")]: "/var/lib/asterisk", [at("run")]: "/run/asterisk" },
      prepare: "chown -R asterisk: /etc/asterisk /run/asterisk /var/log/asterisk /var/lib/asterisk",
      command: "asterisk",
      args: ["-f", "-n", "-U", "asterisk", "-G", "asterisk"],
    });
    const child = await startProcess(command, args, at("asterisk.log"), { name: "asterisk" });
    this.#process = child;
    const booted = async (): Promise<boolean> => {
      if (!child.running()) throw new Error(`Asterisk ended while booting:\n${child.log()}`);
      const beside = besideCommand(child.pid, "asterisk", ["-rx", "core waitfullybooted"]);
      return (await run(beside.command, beside.args, { timeoutMs: 5_000 })).stdout.includes("fully booted");
    };
    await waitUntil("Asterisk to boot", booted, 30_000);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async freeze(): Promise<void> {
    this.#process?.kill("SIGSTOP");
    await untilFrozen(this.#process?.pid ?? 0);
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.#folder.remove();
  }
}

/** A port that is free for TCP now; the test machine's other programs are unlikely to take it in the meantime. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function replaceIn(file: string, pattern: RegExp, by: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const replaced = text.replaceAll(pattern, by);
  if (replaced === text) throw new Error(`${file} has no line ${pattern.source}: the configuration has changed`);
  await writeFile(file, replaced);
}
