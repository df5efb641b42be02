/** The SecretSource port over a file, for places without AWS. A file that others may read is not a secret. */
import { open } from "node:fs/promises";
import { constants } from "node:fs";
import { AgentError } from "../errors.ts";
import type { SecretSource } from "../ports.ts";

/** As Secrets Manager's own limit (bytes). */
const SECRET_MAX_BYTES = 65_536;

export class FileSecrets implements SecretSource {
  readonly #path: string;

  /** @param path SECRETS_FILE: mode 0600 (or less), owned by the agent's user or by root */
  constructor(path: string) {
    this.#path = path;
  }

  /** The version is the file's modification time. */
  async fetch(signal: AbortSignal): Promise<{ readonly text: string; readonly version: string }> {
    try {
      signal.throwIfAborted();
      // The checks are made on the open file: on the path, they would be about whatever lay there a moment earlier.
      const file = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const facts = await file.stat();
        if (!facts.isFile()) throw unreadable(`${this.#path} is not a regular file`);
        if (facts.uid !== 0 && facts.uid !== process.geteuid?.()) throw unreadable(`${this.#path} belongs to user ${facts.uid}; it must belong to the agent's user or to root`);
        if ((facts.mode & 0o077) !== 0) throw unreadable(`${this.#path} has mode 0${(facts.mode & 0o777).toString(8)}; others may use it: chmod 600 ${this.#path}`);
        if (facts.size > SECRET_MAX_BYTES) throw unreadable(`${this.#path} is longer than ${SECRET_MAX_BYTES} bytes`);
        const text = await file.readFile({ encoding: "utf8", signal });
        return { text, version: facts.mtime.toISOString() };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw unreadable(`${this.#path}: ${error instanceof Error ? error.message : "can't be read"}`, error);
    }
  }
}

function unreadable(message: string, cause?: unknown): AgentError {
  return new AgentError("AGENT_SECRET_UNREADABLE", message, cause);
}
