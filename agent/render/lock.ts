/**
 * One renderer at a time for one folder: `nodectl render` and the running agent may want to write it at the same moment. The
 * lock is an abstract socket, which the kernel frees with its owner, however that ends: no stale lock is ever left behind.
 */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { AgentError } from "../errors.ts";

/** A socket's name is 108 bytes; Node pads a shorter one, in some versions, so that it is always given whole. */
const NAME_LENGTH = 108;
const RETRY_MS = 50;

/**
 * Waits for the lock. Resolves with how to let go of it.
 * @throws AGENT_RENDER_UNWRITABLE when the folder isn't there, or `signal` fires first
 */
export async function lockFolder(folder: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const real = await realpath(folder).catch((error: unknown) => {
    throw new AgentError("AGENT_RENDER_UNWRITABLE", `${folder} can't be used (${codeOf(error)}): it must exist, and the agent's user must be able to write it`, error);
  });
  // Abstract sockets are Linux's own. Elsewhere nobody runs two agents.
  if (process.platform !== "linux") return () => Promise.resolve();
  const digest = createHash("sha256").update(real).digest("hex");
  const name = `\0asterisk-node-render-${digest}`.padEnd(NAME_LENGTH, "-").slice(0, NAME_LENGTH);
  for (;;) {
    if (signal.aborted) throw new AgentError("AGENT_RENDER_UNWRITABLE", `${folder}: another render holds it and does not end`);
    const server = await listen(name);
    if (server !== null) return () => new Promise((resolve) => server.close(() => { resolve(); }));
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function listen(name: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(null);
      else reject(new AgentError("AGENT_RENDER_UNWRITABLE", `the lock of the rendered folder can't be had (${codeOf(error)})`, error));
    });
    server.listen({ path: name }, () => { resolve(server); });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
