/**
 * The lines of a file as they may be shown. Of a file just rendered that is known: every line was made with markers too. Of a file
 * on the disk, which may hold an earlier secret that nobody knows any more, it is found out: a line that the present template
 * could have made from other secrets is hidden where those stand; of the rest, whatever looks like a secret.
 */
import type { RenderedFile } from "./rendering.ts";
import { PLACEHOLDER } from "./template.ts";

/** Options whose values are secret whatever file they stand in. User names too: with carriers they are telephone numbers. */
const SECRET_OPTION = /^(\s*(?!password_format\b)(?:[\w-]*(?:pass(?:word|wd|phrase)?|secret|pwd|token|cred(?:ential)?s?)[\w-]*|user(?:name)?|uid|from_user|contact_user|client_uri|auth_user)\s*=>?\s*)(\S.*)$/i;
const CRYPT = /\$[156y]\$[^\s$]*(?:\$[^\s$]*)+/g;
const USER_IN_URI = /(\bsips?:)[^@\s]+@/g;
/** Shorter texts occur by chance. */
const SHORTEST = 4;

const OTHER = "<hidden, another>";

/** What a file is shown as after the render. */
export function shownAfter(file: RenderedFile): readonly string[] {
  return file.lines.map((line) => line.shown);
}

/**
 * What a text on the disk is shown as.
 * @param file what the templates make under its name now; null when they make nothing
 * @param secrets texts that must not be seen wherever they stand
 */
export function shownBefore(text: string, file: Pick<RenderedFile, "lines" | "template"> | null, secrets: readonly string[]): readonly string[] {
  const known = new Map(file?.lines.map((line) => [line.text, line.shown]));
  const patterns = file === null ? [] : secretPatterns(file);
  return text.split("\n").map((line) => known.get(line) ?? hidden(line, patterns, secrets));
}

interface Pattern {
  readonly shape: RegExp;
  readonly shown: string;
}

function hidden(line: string, patterns: readonly Pattern[], secrets: readonly string[]): string {
  const pattern = patterns.find(({ shape }) => shape.test(line));
  if (pattern !== undefined) return pattern.shown;
  let shown = line;
  for (const secret of secrets) if (secret.length >= SHORTEST) shown = shown.replaceAll(secret, OTHER);
  return shown.replace(SECRET_OPTION, `$1${OTHER}`).replaceAll(CRYPT, OTHER).replaceAll(USER_IN_URI, `$1${OTHER}@`);
}

/** One for every line of the template that was rendered with a secret in it. */
function secretPatterns(file: Pick<RenderedFile, "lines" | "template">): readonly Pattern[] {
  const secretNames = new Set(file.lines.flatMap((line) => [...line.shown.matchAll(/<hidden (\w+)>/g)].map((match) => match[1] ?? "")));
  const lines = file.template.parts.flatMap((part) => part.lines).filter((line) => [...line.text.matchAll(PLACEHOLDER)].some((match) => secretNames.has(match[1] ?? "")));
  return lines.map(({ text }) => ({
    shape: new RegExp(`^${text.split(PLACEHOLDER).map((piece, index) => (index % 2 === 0 ? piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : ".*")).join("")}$`),
    shown: text.replaceAll(PLACEHOLDER, (_, name: string) => (secretNames.has(name) ? OTHER : "…")),
  }));
}
