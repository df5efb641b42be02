/**
 * How the app learns whether its node is the active: it reads the agent's /status on the loopback twice a second, and at once when the agent
 * names dropped calls (it does that as the new active only). The app never decides that by itself; an agent that is silent for a moment,
 * because it restarts, changes nothing.
 */
import { request } from "node:http";
import { z } from "zod";
import { pause, within } from "../adapters/interruptible.ts";
import { mayDial, roleOf, type AgentWord, type AppRole, type RoleState } from "./core/role.ts";
import { AppError } from "./errors.ts";
import { Rounds } from "./rounds.ts";

const ASK_MS = 1_000;
const ANSWER_MAX_BYTES = 1_000_000;

const wordSchema = z.object({ role: z.string(), draining: z.string().nullable().optional() });

export interface RoleWatchOptions {
  readonly host: string;
  readonly port: number;
  readonly intervalMs: number;
  readonly graceMs: number;
  readonly monotonicMs: () => number;
  /** Told at every change. */
  readonly onRole: (role: AppRole, before: AppRole) => void;
}

export class RoleWatch {
  readonly #options: RoleWatchOptions;
  readonly #rounds = new Rounds(async (ended) => {
    await this.ask();
    await pause(this.#options.intervalMs, ended);
  });
  #state: RoleState = { word: null, atMs: 0 };
  #told: AppRole = "standby";

  constructor(options: RoleWatchOptions) {
    this.#options = options;
  }

  get role(): AppRole {
    return roleOf(this.#state, this.#options.monotonicMs(), this.#options.graceMs);
  }

  get mayDial(): boolean {
    return mayDial(this.#state, this.#options.monotonicMs(), this.#options.graceMs);
  }

  start(): void {
    this.#rounds.start();
  }

  close(): Promise<void> {
    return this.#rounds.close();
  }

  /** Asks the agent now; a failure leaves the last word in place. */
  async ask(): Promise<AppRole> {
    try {
      this.#state = { word: await within(ASK_MS, this.#rounds.ended, (signal) => this.#read(signal)), atMs: this.#options.monotonicMs() };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
    const { role } = this;
    const before = this.#told;
    this.#told = role;
    if (role !== before) this.#options.onRole(role, before);
    return role;
  }

  #read(signal: AbortSignal): Promise<AgentWord> {
    const { host, port } = this.#options;
    return new Promise<AgentWord>((resolve, reject) => {
      const failed = (error: Error): void => reject(new AppError("APP_STATUS_FAILED", `the agent's status: ${error.message}`, error));
      const asking = request({ host, port, path: "/status", headers: { host: `${host}:${port}`, accept: "application/json" }, signal }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("error", failed).on("data", (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_MAX_BYTES) incoming.destroy(new Error("it is too long"));
        });
        incoming.on("end", () => {
          try {
            const { role, draining } = wordSchema.parse(JSON.parse(text));
            resolve({ role, draining: draining != null });
          } catch {
            failed(new Error("it is not of the expected shape"));
          }
        });
      });
      asking.on("error", failed).end();
    });
  }
}
