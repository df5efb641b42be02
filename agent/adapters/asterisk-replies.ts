/**
 * What Asterisk's command line prints, read into numbers. The texts are those of Asterisk 20 to 22. A text that isn't
 * recognised is an error, never a zero: "no calls" and "could not ask" must not look the same.
 */
import { AgentError } from "../errors.ts";
import type { ContactCounts } from "../ports.ts";

/** Lines are read one by one and up to this length (characters): what Asterisk prints of one contact is a fraction of it, and no pattern may take long. */
const LINE_MAX = 4_096;

/** `core show channels count`. During a graceful shutdown Asterisk refuses this command, which is an error here too. */
export function parseChannelCounts(text: string): { readonly calls: number; readonly channels: number } {
  return { channels: numberIn(text, /^(\d{1,9})(?: of \d+ max)? active channels?\b/m, "channels"), calls: numberIn(text, /^(\d{1,9})(?: of \d+ max)? active calls?\b/m, "calls") };
}

/** `core show taskprocessor alerted subsystems`: how many are listed. */
export function parseAlertedSubsystems(text: string): number {
  return numberIn(text, /^(\d{1,9}) subsystems?\s*$/m, "alerted subsystems");
}

/**
 * `pjsip show contacts`. Unavailable ones are unreachable; those that answer, are not qualified, or have not been
 * asked yet are reachable, because calls are sent to them.
 */
export function parseContacts(text: string): ContactCounts {
  if (/^No objects found/m.test(text)) return { reachable: 0, unreachable: 0 };
  const total = numberIn(text, /^Objects found: (\d{1,9})\b/m, "contacts");
  // Address, a hash of ten hexadecimal digits, the status, the round trip. Only the status is kept.
  const unreachable = text.split("\n").filter((line) => line.length <= LINE_MAX && /^\s*Contact:\s.*\s[0-9a-f]{10}\s+Unavail\b/.test(line)).length;
  return { reachable: Math.max(0, total - unreachable), unreachable };
}

/**
 * `ari show websocket sessions` (Asterisk 22.5 and later): the applications with an open event socket.
 * null when this Asterisk does not know the command.
 */
export function parseSessionApps(text: string): ReadonlySet<string> | null {
  if (!/^Connection ID\s/m.test(text)) return null;
  const apps = text.split("\n").flatMap((line) => (line.length > LINE_MAX ? null : /\sUp\s+(\S+)\s*$/.exec(line))?.[1]?.split(",") ?? []);
  return new Set(apps);
}

/** `odbc read … exec` of the query that func_odbc.conf has for this: did the database answer it? */
export function parseDatabaseAnswer(text: string): boolean {
  if (/^Returned 1 row\./m.test(text)) return true;
  if (/^Failed to execute query\b/m.test(text)) return false;
  throw new AgentError("AGENT_ARI_FAILED", "Asterisk has no query with which to ask the database; render its configuration again");
}

function numberIn(text: string, pattern: RegExp, what: string): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new AgentError("AGENT_ARI_FAILED", `Asterisk's command line did not tell the number of ${what}`);
  return Number(found);
}
