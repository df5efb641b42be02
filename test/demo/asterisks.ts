/**
 * The Asterisks of the demo: a real one where one is installed, or the stand-in of the tests. Either is a command line; the
 * rest of the demo does not know which it is.
 */
import { accessSync, constants } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { monotonicMs } from "../support/lab/clock.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { foldersOf, minimalConfig } from "./minimal-asterisk.ts";
import type { NodeName } from "./record.ts";

/** What one Asterisk needs to know. */
export interface AsteriskSpec {
  readonly node: NodeName;
  /** Its own; made by `prepareAsterisk`. Short, because the control socket's path is limited. */
  readonly folder: string;
  readonly sipPort: number;
  readonly httpPort: number;
  readonly ariPassword: string;
}

/** How to start it. */
export interface AsteriskCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly controlSocket: string;
}

/** Where installers put it although it is not on an ordinary user's PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

const ASK_EVERY_MS = 100;

/** The program, or null when there is none. */
export function findAsterisk(path: string): string | null {
  const candidates = [...path.split(delimiter).filter((folder) => folder !== ""), ...MORE_FOLDERS].map((folder) => join(folder, "asterisk"));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param program what findAsterisk found, or null for the stand-in */
export async function prepareAsterisk(program: string | null, spec: AsteriskSpec): Promise<AsteriskCommand> {
  await mkdir(spec.folder, { recursive: true });
  return program === null ? standIn(spec) : await realAsterisk(program, spec);
}

function standIn({ node, folder, sipPort, httpPort, ariPassword }: AsteriskSpec): AsteriskCommand {
  const controlSocket = join(folder, "asterisk.ctl");
  const main = join(REPOSITORY, "test/support/asterisk-stand-in/stand-in-main.ts");
  // The flags with which this process itself reads TypeScript.
  const args = [...process.execArgv, main, "--node", node, "--sip-port", String(sipPort), "--http-port", String(httpPort), "--control", controlSocket];
  return { command: process.execPath, args, env: { STAND_IN_PASSWORD: ariPassword }, controlSocket };
}

async function realAsterisk(program: string, spec: AsteriskSpec): Promise<AsteriskCommand> {
  for (const folder of Object.values(foldersOf(spec.folder))) await mkdir(folder, { recursive: true });
  const etc = join(spec.folder, "etc");
  for (const [name, text] of Object.entries(minimalConfig(spec))) await writeFile(join(etc, name), text, { mode: 0o600 });
  return { command: program, args: ["-f", "-n", "-C", join(etc, "asterisk.conf")], env: {}, controlSocket: join(spec.folder, "asterisk.ctl") };
}

/** Resolves true as soon as ARI answers, and false when it does not within `withinMs` or when `ended` says that nobody will. */
export async function answersAri({ httpPort, ariPassword }: AsteriskSpec, withinMs: number, ended: () => boolean): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`agent:${ariPassword}`).toString("base64")}`;
  for (const giveUpAtMs = monotonicMs() + withinMs; monotonicMs() < giveUpAtMs && !ended(); await pause(ASK_EVERY_MS)) {
    try {
      const reply = await fetch(`http://127.0.0.1:${httpPort}/ari/asterisk/ping`, { headers: { authorization }, signal: AbortSignal.timeout(ASK_EVERY_MS * 10) });
      if (reply.ok) return true;
    } catch {
      // Not yet.
    }
  }
  return false;
}
