/**
 * Asterisk's own control socket, the one that `asterisk -rx` uses: ARI tells neither the queues in alert nor the number
 * of calls at a price worth paying. Asterisk greets with a line `host/pid/version`; it is sent `cli quit after COMMAND`
 * and a NUL, and answers and closes.
 */
import { connect, type Socket } from "node:net";
import { AgentError } from "../errors.ts";

/** 40 000 contacts fit into this many bytes; a reply that does not is not read on. */
const REPLY_MAX_BYTES = 4 * 1024 * 1024;

/**
 * A command that hangs keeps one of Asterisk's threads and one of its 128 console places for good, so an unanswered one
 * is left open, where its end can be seen, and with this many of them nothing more is asked.
 */
const UNANSWERED_MAX = 4;

/** After this long (ms) an unanswered command is given up for lost, for an Asterisk that neither answers nor dies. */
const UNANSWERED_MAX_AGE_MS = 300_000;

/** The control socket at one path. Every command is a connection of its own. */
export class AsteriskControl {
  readonly #path: string;
  readonly #open = new Set<Socket>();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The command's output, without the greeting and without control bytes.
   * @throws AGENT_PROBE_REFUSED when nothing listens at the path, AGENT_PROBE_TIMEOUT after an abort, AGENT_ARI_FAILED otherwise
   */
  run(command: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new AgentError("AGENT_PROBE_TIMEOUT", `Asterisk's control socket did not answer "${command}" in time`));
      if (signal.aborted || this.#open.size >= UNANSWERED_MAX) {
        late();
        return;
      }
      const socket = connect({ path: this.#path });
      this.#open.add(socket);
      const chunks: Buffer[] = [];
      let bytes = 0;
      let failure: NodeJS.ErrnoException | null = null;
      const age = setTimeout(() => socket.destroy(), UNANSWERED_MAX_AGE_MS).unref();
      signal.addEventListener("abort", late, { once: true });
      socket.on("connect", () => socket.write(`cli quit after ${command}\0`));
      socket.on("error", (error) => {
        failure = error;
      });
      socket.on("data", (chunk) => {
        bytes += chunk.length;
        if (bytes <= REPLY_MAX_BYTES) chunks.push(chunk);
        else socket.destroy(new Error(`the reply exceeds ${REPLY_MAX_BYTES} bytes`));
      });
      socket.on("close", () => {
        clearTimeout(age);
        signal.removeEventListener("abort", late);
        this.#open.delete(socket);
        if (failure === null) readReply(Buffer.concat(chunks).toString("latin1"), command, resolve, reject);
        else reject(translate(failure, command));
      });
    });
  }

  /** Lets go of every command, answered or not. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

function readReply(text: string, command: string, resolve: (output: string) => void, reject: (error: AgentError) => void): void {
  const end = text.indexOf("\n");
  if (!/^[^/\n]*\/\d+\/[^\n]+\n/.test(text)) reject(new AgentError("AGENT_ARI_FAILED", `Asterisk's control socket closed before it had answered "${command}"`));
  // Colours, and the bytes that mark verbose messages for Asterisk's own console.
  else resolve(text.slice(end + 1).replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "").replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, ""));
}

function translate(cause: NodeJS.ErrnoException, command: string): AgentError {
  const gone = cause.code === "ENOENT" || cause.code === "ECONNREFUSED";
  // EAGAIN: the few places of the listening queue are taken, because nobody accepts.
  const code = gone ? "AGENT_PROBE_REFUSED" : cause.code === "EAGAIN" ? "AGENT_PROBE_TIMEOUT" : "AGENT_ARI_FAILED";
  const hint = cause.code === "EACCES" ? ": the agent's user may not use it (see astctlpermissions in asterisk.conf)" : "";
  return new AgentError(code, `Asterisk's control socket failed for "${command}" (${cause.code ?? cause.message})${hint}`, cause);
}
