/** What a check of `nodectl doctor` finds, and how checks are run: side by side, each with its own deadline. */
import { z } from "zod";
import { AgentError, ERRORS } from "../errors.ts";

export const findingSchema = z.object({
  /** What was looked at: the same name whatever was found. */
  check: z.string(),
  /** `skipped`: it could not be looked at, because of another finding or because no agent runs. */
  level: z.enum(["ok", "warning", "problem", "skipped"]),
  /** A sentence. */
  found: z.string(),
  /** What to do; null where there is nothing to do. */
  remedy: z.string().nullable(),
});

export type Finding = z.infer<typeof findingSchema>;

/** One thing to look at. It names itself, for the case that it does not come to an end. */
export interface Check {
  readonly name: string;
  readonly withinMs: number;
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

export const ok = (check: string, found: string): Finding => ({ check, level: "ok", found, remedy: null });
export const warning = (check: string, found: string, remedy: string): Finding => ({ check, level: "warning", found, remedy });
export const problem = (check: string, found: string, remedy: string): Finding => ({ check, level: "problem", found, remedy });
export const skipped = (check: string, because: string): Finding => ({ check, level: "skipped", found: because, remedy: null });

/** A failure with a stable code as a finding: its message, and the remedy of the table of errors unless a better one is known. */
export function failed(check: string, error: unknown, remedy?: string): Finding {
  if (!(error instanceof AgentError)) throw error;
  return problem(check, `${error.message} (${error.code})`, remedy ?? ERRORS[error.code].remedy);
}

/** All findings, in the order of the checks. Never rejects: a check that breaks is itself a finding. */
export async function runChecks(checks: readonly Check[]): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map(runOne))).flat();
}

async function runOne({ name, withinMs, run }: Check): Promise<readonly Finding[]> {
  const aborter = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    timer = setTimeout(() => {
      aborter.abort();
      resolve([problem(name, `This was not done within ${withinMs} ms.`, "Look at the other findings first; if there is none, try again and look at the machine's load.")]);
    }, withinMs);
  });
  try {
    return await Promise.race([run(aborter.signal), late]);
  } catch (error) {
    if (error instanceof AgentError) return [failed(name, error)];
    return [problem(name, `An error that nobody foresaw: ${error instanceof Error ? error.message : String(error)}`, "Report it with this line: it is a defect of nodectl.")];
  } finally {
    clearTimeout(timer);
  }
}
