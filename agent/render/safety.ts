/**
 * May this text stand at this place of this file? A value must never be more than a value: it must not end its line, begin a
 * comment, open a section, include a file, or be code where Asterisk would run it. Asterisk knows no quoting that covers all
 * of this, so a text that would is refused, and whoever made it chooses another.
 */

/** Where a value is about to go: the template's line up to it, in that file. */
export interface Place {
  readonly file: string;
  /** The line's text before the value, already filled in. */
  readonly before: string;
  /** The template's line after it. */
  readonly after: string;
}

interface Rule {
  readonly applies: (place: Place) => boolean;
  readonly allows: (text: string, place: Place) => boolean;
  /** Completes "has a character that …" or the like. */
  readonly says: string;
}

/** Files in which Asterisk expands `${…}` and splits by commas, brackets and quotes. */
const EVALUATED = /^(?:extensions|func_odbc|cdr_custom|cdr_syslog|cel_custom)[\w-]*\.conf$/;
const base = (file: string): string => file.split("/").at(-1) ?? file;

/** All that are broken say so, the general ones first. */
const RULES: readonly Rule[] = [
  { applies: () => true, allows: (text) => text !== "", says: "is empty" },
  { applies: () => true, allows: (text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), says: "has a line break or another control character" },
  { applies: () => true, allows: (text) => !/[;#[\]]/.test(text), says: "has one of ; # [ ], which begin a comment, a directive or a section" },
  { applies: () => true, allows: (text) => text.trim() === text, says: "begins or ends with a space, which Asterisk would drop" },
  { applies: () => true, allows: (text) => !text.endsWith("\\"), says: "ends with a backslash, which would change what follows" },
  { applies: ({ before }) => before.endsWith("="), allows: (text) => !/^[=>]/.test(text), says: "begins with > or = right behind an equals sign" },
  { applies: ({ before }) => /^\s*\[[^\]]*$/.test(before), allows: (text) => /^[A-Za-z0-9._-]{1,79}$/.test(text), says: "names a section and has other characters than letters, digits, dots, dashes and underscores" },
  { applies: ({ before }) => /^\s*#/.test(before), allows: (text) => /^[A-Za-z0-9._/-]+$/.test(text), says: "names a file to include and has other characters than letters, digits and ./_-" },
  { applies: ({ before, after }) => !before.includes("=") && after.includes("=") && !/^\s*[;[#]/.test(before), allows: (text) => /^[A-Za-z0-9_-]+$/.test(text), says: "names an option and has other characters than letters, digits, dashes and underscores" },
  { applies: ({ before }) => /\bsips?:\S*$/.test(before), allows: (text) => /^[A-Za-z0-9._~!*'()%+&=$:-]+$/.test(text), says: "is part of a SIP address and has a character that would end that part" },
  { applies: ({ file, before }) => EVALUATED.test(base(file)) && !/^\s*;/.test(before), allows: (text) => /^[A-Za-z0-9._+:/@-]+$/.test(text), says: "goes into the dialplan or a query, where only letters, digits and ._+:/@- are no code" },
  { applies: ({ file }) => file.endsWith(".ini"), allows: (text) => !/["'{}]/.test(text), says: "has a quote or a brace, which ODBC's files give a meaning of their own" },
];

/** What is wrong with the text at that place; null when nothing is. Never holds any part of the text. */
export function breakOut(text: string, place: Place): string | null {
  const broken = RULES.filter((rule) => rule.applies(place) && !rule.allows(text, place)).map((rule) => rule.says);
  return broken[0] ?? null;
}
