/** The stand-in as a child process, for what only a process can suffer: SIGKILL, SIGSTOP, SIGCONT. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { untilFrozen } from "../until-frozen.ts";
import type { StandInOptions } from "./asterisk-stand-in.ts";

const PROGRAM = fileURLToPath(new URL("stand-in-main.ts", import.meta.url));
const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** A running stand-in process. It also ends when this process does. */
export class StandInProcess {
  readonly sipPort: number;
  readonly ariUrl: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(child: ChildProcess, lines: Interface, ready: { sipPort: number; ariUrl: string }) {
    this.#child = child;
    this.#lines = lines;
    this.sipPort = ready.sipPort;
    this.ariUrl = ready.ariUrl;
  }

  /** Starts it and resolves when it listens; rejects when it ends before. */
  static async start(options: StandInOptions): Promise<StandInProcess> {
    const flags = ["--node", options.nodeId, "--control", options.controlSocketPath, "--username", options.username, "--apps", (options.apps ?? []).join(","), "--host", options.host ?? "127.0.0.1"];
    const ports = ["--sip-port", String(options.sipPort ?? 0), "--http-port", String(options.httpPort ?? 0)];
    const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, "--stdin", ...flags, ...ports], {
      cwd: REPOSITORY,
      env: { ...process.env, STAND_IN_PASSWORD: options.password },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    const ended = new Promise<never>((_resolve, reject) => child.once("exit", (code) => reject(new Error(`the stand-in ended with ${code ?? "a signal"} before it was ready`))));
    const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
    ended.catch(() => undefined);
    return new StandInProcess(child, lines, JSON.parse(line) as { sipPort: number; ariUrl: string });
  }

  /** One line to stand-in-main.ts; resolves when it has been obeyed. */
  async command(line: string): Promise<void> {
    const answered = once(this.#lines, "line");
    this.#child.stdin?.write(`${line}\n`);
    const [answer] = (await answered) as [string];
    if (!(JSON.parse(answer) as { done: boolean }).done) throw new Error(`the stand-in does not know: ${line}`);
  }

  /** Resolves when it has stopped. */
  async freeze(): Promise<void> {
    this.#child.kill("SIGSTOP");
    await untilFrozen(this.#child.pid ?? 0);
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
