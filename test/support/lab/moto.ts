// An AWS emulator that we didn't write: moto's server from the cloud root. It speaks the real wire formats, so it keeps our own
// emulator honest; it does not behave like AWS in every case (reassociation, for one), so it is not the judge of behaviour.
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../wait-until.ts";
import { ADDRESS, AWS_PORT } from "./addresses.ts";
import { labFetch } from "./fetch.ts";
import { ensureHostTools } from "./host-tools.ts";
import type { Lab } from "./network.ts";
import { killGroup, startProcess, type LabProcess } from "./process.ts";
import { rootedCommand } from "./rooted.ts";
import { ensureRoot } from "./roots.ts";

export interface Moto {
  /** What to set `AWS_ENDPOINT_URL` to. */
  readonly url: string;
  readonly process: LabProcess;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** Starts moto on a port of this machine's loopback, for contract tests that need no namespaces. Resolves when it answers. */
export async function startMoto(options: { readonly port: number; readonly address?: string }): Promise<Moto> {
  await ensureHostTools((line) => process.stderr.write(`moto: ${line}\n`));
  const address = options.address ?? "127.0.0.1";
  const dir = await mkdtemp(join(tmpdir(), "moto-"));
  await mkdir(join(dir, "mount"));
  const { command, args } = await motoCommand(join(dir, "mount"), address, options.port);
  const server = await startProcess(command, args, join(dir, "moto.log"), { name: "moto" });
  const onExit = () => { if (server.running()) killGroup(server.pid, "SIGKILL"); };
  process.once("exit", onExit);
  const url = `http://${address}:${options.port}`;
  const stop = async () => {
    await server.end();
    process.off("exit", onExit);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await answers(server, async () => (await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(2000) })).ok);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, process: server, stop };
}

/** Starts moto in the lab's aws place. Resolves when it answers there; it ends with the lab. */
export async function startLabMoto(lab: Lab, port: number = AWS_PORT): Promise<Moto> {
  const mountpoint = join(lab.dir, "moto-mount");
  await mkdir(mountpoint, { recursive: true });
  const { command, args } = await motoCommand(mountpoint, ADDRESS.aws, port);
  const server = await lab.spawn("aws", command, args, { name: "moto" });
  const url = `http://${ADDRESS.aws}:${port}`;
  await answers(server, async () => (await labFetch(lab, "aws", `${url}/moto-api/data.json`)).status === 200);
  return { url, process: server, stop: async () => { await server.end(); } };
}

async function motoCommand(mountpoint: string, address: string, port: number): Promise<{ readonly command: string; readonly args: readonly string[] }> {
  const root = await ensureRoot("cloud", (line) => process.stderr.write(`moto: ${line}\n`));
  return rootedCommand({ root, mountpoint, command: "moto_server", args: ["-H", address, "-p", String(port)] });
}

async function answers(server: LabProcess, ask: () => Promise<boolean>): Promise<void> {
  await waitUntil("moto to answer", async () => !server.running() || (await ask()), 30_000);
  if (!server.running()) throw new Error(`moto ended instead of answering:\n${server.log()}`);
}
