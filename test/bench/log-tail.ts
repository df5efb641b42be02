/** Reads what an agent's log says from some moment on; the log of a long bench is too long to be read whole each time. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { z } from "zod";

const lineSchema = z.object({
  monoMs: z.number(),
  event: z.string(),
  msg: z.string(),
  from: z.string().optional(),
  to: z.string().optional(),
  request: z.string().optional(),
  connected: z.boolean().optional(),
  err: z.object({ code: z.string() }).optional(),
});

/** One line of an agent's log. `monoMs` is the machine's monotonic clock, the same in all processes. */
export type LogLine = z.infer<typeof lineSchema>;

/** The lines that are the agent's; anything else that the process printed is left out. */
export function parseLog(text: string): readonly LogLine[] {
  return text.split("\n").flatMap((line) => {
    if (!line.startsWith("{") || !line.endsWith("}")) return [];
    const parsed = lineSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  });
}

/** Remembers where the log ends now; the returned function reads what has come since. */
export function tailOf(file: string): () => readonly LogLine[] {
  const start = statSync(file).size;
  return () => {
    const fd = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(fd).size - start);
      const length = readSync(fd, bytes, 0, bytes.length, start);
      return parseLog(bytes.toString("utf8", 0, length));
    } finally {
      closeSync(fd);
    }
  };
}
