/**
 * Where the contract suites get moto from: MOTO_URL when it is set (a moto that somebody else has started), else the one
 * of the Debian root. Where neither can be had, `missing` says why, and the suites report themselves as skipped with it.
 */
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { startMoto } from "../lab/moto.ts";

export interface MotoSource {
  /** Why there is none; null when there is. */
  readonly missing: string | null;
  /** Starts it, or finds it. */
  start(): Promise<{ readonly url: string; stop(): Promise<void> }>;
}

export function motoSource(): MotoSource {
  const given = process.env["MOTO_URL"];
  if (given !== undefined) return { missing: null, start: () => Promise.resolve({ url: given, stop: () => Promise.resolve() }) };
  const missing = process.getuid?.() !== 0 ? "moto comes from a Debian root, which only root can enter (or set MOTO_URL)" : !existsSync("/etc/debian_version") ? "moto comes from a Debian root, which only Debian's tools can build (or set MOTO_URL)" : null;
  return { missing, start: async () => startMoto({ port: await freePort() }) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
