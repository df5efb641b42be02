/**
 * Where an operator's word reaches the agent: a Unix socket in STATE_DIR, so that the file system says who may (mode 0660).
 * One request is one line of JSON, one answer is one line; nothing that acts listens on TCP.
 */
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import type { OperatorCommand } from "./core/operator-command.ts";
import { AgentError } from "./errors.ts";

/** The socket's name inside STATE_DIR. */
export const OPERATOR_SOCKET = "agent.sock";

const LINE_MAX_BYTES = 4_096;
const IDLE_MAX_MS = 5_000;
const DAY_MS = 86_400_000;

/** Sixteen hexadecimal digits, chosen by whoever asks. */
const orderId = z.string().regex(/^[0-9a-f]{16}$/);
const reason = z.string().trim().min(1).max(200);

/** What may be asked. Durations are bounded: a pause or a drain that nobody remembers is an outage in waiting. */
const operatorCommandSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("pause"), reason, forMs: z.int().min(1_000).max(30 * DAY_MS).nullable() }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("acknowledge") }),
  z.object({ kind: z.literal("drain"), reason, forMs: z.int().min(1_000).max(DAY_MS) }),
  z.object({ kind: z.literal("undrain") }),
  z.object({ kind: z.literal("switchover"), request: z.object({ id: orderId, to: z.string().max(32).nullable(), drainMs: z.int().min(0).max(DAY_MS), reason, dryRun: z.boolean() }) }),
  z.object({ kind: z.literal("takeover"), request: z.object({ id: orderId, reason, from: z.string().max(200), accepted: z.array(z.string().max(40)).max(16), evenIfNotServing: z.boolean() }) }),
]) satisfies z.ZodType<OperatorCommand>;

/** What may be asked without changing anything. */
const operatorQuerySchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("status") }),
  z.object({ kind: z.literal("survey") }),
  z.object({ kind: z.literal("progress"), id: orderId }),
  z.object({ kind: z.literal("overrides"), evenIfNotServing: z.boolean() }),
]);
export type OperatorQuery = z.infer<typeof operatorQuerySchema>;

/** The answer to one line. `answer` is what a query brought. */
export const operatorAnswerSchema = z.object({ ok: z.boolean(), message: z.string(), answer: z.unknown().optional() });

export class OperatorSocket {
  readonly #path: string;
  readonly #server: Server;

  /**
   * @param obey takes the command in; it is carried out with the next step
   * @param tell answers a query; the answer must be JSON
   */
  constructor(path: string, obey: (command: OperatorCommand) => void, tell: (query: OperatorQuery) => unknown = () => null) {
    this.#path = path;
    this.#server = createServer((socket) => { serve(socket, obey, tell); });
    this.#server.maxConnections = 16;
  }

  /** Listens. A socket that a killed agent left behind is replaced. Rejects with AGENT_LISTEN_FAILED. */
  async start(): Promise<void> {
    try {
      await rm(this.#path, { force: true });
      await new Promise<void>((resolve, reject) => { this.#server.once("error", reject).listen(this.#path, resolve); });
      await chmod(this.#path, 0o660);
    } catch (error) {
      throw new AgentError("AGENT_LISTEN_FAILED", `the operator's socket ${this.#path} can't be had: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => { this.#server.close(() => { resolve(); }); });
  }
}

function serve(socket: Socket, obey: (command: OperatorCommand) => void, tell: (query: OperatorQuery) => unknown): void {
  let text = "";
  const answer = (ok: boolean, message: string, found?: unknown): void => { socket.end(`${JSON.stringify({ ok, message, answer: found })}\n`); };
  socket.setEncoding("utf8").setTimeout(IDLE_MAX_MS, () => { socket.destroy(); });
  socket.on("error", () => { socket.destroy(); }); // Whoever asked has gone: there is nobody to tell.
  socket.on("data", (part: string) => {
    text += part;
    if (text.length > LINE_MAX_BYTES) answer(false, "the request is too long");
    else if (text.includes("\n")) {
      const asked = jsonOf(text);
      const query = operatorQuerySchema.safeParse(asked);
      const command = operatorCommandSchema.safeParse(asked);
      if (query.success) answer(true, "", tell(query.data));
      else if (command.success) {
        obey(command.data);
        answer(true, "");
      } else answer(false, `not a command of this agent: ${z.prettifyError(command.error)}`);
    }
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Refused by the schema, with its own sentence.
  }
}
