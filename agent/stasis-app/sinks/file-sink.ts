/** Events as JSON lines in a file, which is on the disk before an event counts as delivered. */
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { CallEvent } from "../core/event.ts";
import { SinkFailure, type EventSink } from "./sink.ts";

export class FileSink implements EventSink {
  readonly name: string;
  readonly #path: string;
  /** Events that arrive together share one write to the disk. */
  #waiting: { readonly line: string; readonly done: () => void; readonly failed: (error: unknown) => void }[] = [];
  #writing: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
    this.name = `file ${path}`;
  }

  async deliver(event: CallEvent): Promise<void> {
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ line: `${JSON.stringify(event)}\n`, done, failed });
      this.#writing ??= this.#write();
    }).catch((error: unknown) => {
      throw new SinkFailure("away", `${this.name}: ${error instanceof Error ? error.message : String(error)}`, error);
    });
  }

  close(): void {
    // A file is open only while it is written.
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await append(this.#path, batch.map(({ line }) => line).join(""));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#writing = null;
  }
}

/** Opened for every batch, so that logrotate may move the file away at any time. */
async function append(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file: FileHandle = await open(path, "a", 0o640);
  try {
    await file.appendFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}
