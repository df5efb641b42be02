/**
 * The commands that README.md and RUNBOOK.md show, taken out of the text: blocks whose mark says where they are typed
 * (```sh on-node), and commands within sentences. The tests run or check every one of them.
 */
import { readFileSync } from "node:fs";

export const DOCUMENTS = ["README.md", "RUNBOOK.md"] as const;

/** What RUNBOOK.md explains in its first table. */
export const MARKS = ["on-node", "aws", "aws-parsed", "checkout", "terraform-parsed"] as const;
export type Mark = (typeof MARKS)[number];

export interface Block {
  /** `RUNBOOK.md:41`, of the block's first line. */
  readonly at: string;
  readonly mark: Mark;
  readonly text: string;
}

export interface Shown {
  readonly at: string;
  readonly command: string;
}

/** Every block that begins with ```sh. Throws on one whose mark is not known: nobody would run it. */
export function blocks(): readonly Block[] {
  return DOCUMENTS.flatMap((file) => blocksOf(file, read(file)));
}

export function blocksOf(file: string, text: string): readonly Block[] {
  return [...text.matchAll(/^```sh(?:[ \t]+(\S+))?[^\n]*\n([\s\S]*?)^```$/gm)].map((found) => {
    const at = `${file}:${text.slice(0, found.index).split("\n").length + 1}`;
    const mark = MARKS.find((each) => each === found[1]);
    if (mark === undefined) throw new Error(`${at}: a block of commands needs one of the marks ${MARKS.join(", ")}, or no test runs it`);
    return { at, mark, text: (found[2] ?? "").trimEnd() };
  });
}

/** The first words by which a piece of code in a sentence is known to be a command. */
const COMMAND = /^(?:nodectl|npm|npx|pm2|aws|systemctl|terraform|packer|asterisk|openssl|eval|sudo)\b./;

/** Commands in sentences and tables, outside the generated parts and the blocks; each once, where it is shown first. */
export function inline(): readonly Shown[] {
  const found = DOCUMENTS.flatMap((file) => inlineOf(file, read(file)));
  return found.filter(({ command }, index) => found.findIndex((other) => other.command === command) === index);
}

export function inlineOf(file: string, text: string): readonly Shown[] {
  const blank = (part: string): string => part.replaceAll(/[^\n]/g, " ");
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, blank).replaceAll(/<!-- generated: [\s\S]*?<!-- end -->/g, blank);
  return [...prose.matchAll(/`([^`\n]+)`/g)].filter(([, code = ""]) => COMMAND.test(code)).map((match) => ({ at: `${file}:${prose.slice(0, match.index).split("\n").length}`, command: match[1] ?? "" }));
}

/** Whether somebody must fill something in first: `…`, or a word in capitals. */
export function hasGap(command: string): boolean {
  return /…|\.\.\.|(?:^|[ =])[A-Z][A-Z]+(?: |$)/.test(command);
}

function read(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
}
