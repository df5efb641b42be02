/**
 * The templates of a folder, and what they become: all files in memory, all problems of all of them in one error. Which files
 * are templates: `*.conf` and `*.ini` in the folder itself, and in the folders below `roles/`, which land in `roles/` of the target.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import { fillTemplate, type FilledLine } from "./fill.ts";
import { parseTemplate, type LineProblem, type Template } from "./template.ts";
import type { Values } from "./values.ts";

export interface NamedTemplate {
  /** Path below the folder; the file has the same below the target. */
  readonly name: string;
  readonly template: Template;
}

export interface RenderedFile extends NamedTemplate {
  readonly text: string;
  readonly lines: readonly FilledLine[];
}

const TEMPLATE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*\.(?:conf|ini)$/;
export const ROLES = "roles";
/** Without this file Asterisk does not start: a folder that lacks it is the wrong one. */
const INDISPENSABLE = "asterisk.conf";

/** @throws AGENT_RENDER_INVALID when the folder can't be read or a template's syntax is wrong */
export async function readTemplates(folder: string): Promise<readonly NamedTemplate[]> {
  const names = await templateNames(folder);
  if (!names.includes(INDISPENSABLE)) throw new AgentError("AGENT_RENDER_INVALID", `${folder} is no folder of templates: there is no ${INDISPENSABLE} in it`);
  const read = await Promise.all(names.map(async (name) => ({ name, ...parseTemplate(await textIn(folder, name)) })));
  refuse(read);
  return read.map(({ name, template }) => ({ name, template }));
}

/** Everything that these templates ask for. */
export function wantedBy(templates: readonly NamedTemplate[]): ReadonlySet<string> {
  return new Set(templates.flatMap(({ template }) => [...template.wants]));
}

/** @throws AGENT_RENDER_INVALID naming file, line, placeholder and source of everything that is wrong */
export function renderAll(templates: readonly NamedTemplate[], values: Values): readonly RenderedFile[] {
  const filled = templates.map(({ name, template }) => ({ name, template, ...fillTemplate(name, template, values) }));
  refuse(filled);
  return filled.map(({ name, template, lines }) => ({ name, template, lines, text: lines.map((line) => line.text).join("\n") }));
}

async function templateNames(folder: string): Promise<readonly string[]> {
  const roles = await listed(folder, ROLES);
  const folders = ["", ...roles.filter((entry) => entry.isDirectory()).map((entry) => `${ROLES}/${entry.name}`)];
  const names = await Promise.all(folders.map(async (sub) => (await listed(folder, sub)).filter((entry) => entry.isFile() && TEMPLATE_NAME.test(entry.name)).map((entry) => (sub === "" ? entry.name : `${sub}/${entry.name}`))));
  return names.flat().toSorted();
}

async function listed(folder: string, sub: string): ReturnType<typeof readdirOf> {
  try {
    return await readdirOf(join(folder, sub));
  } catch (error) {
    if (sub === ROLES && codeOf(error) === "ENOENT") return [];
    throw new AgentError("AGENT_RENDER_INVALID", `the templates in ${join(folder, sub)} can't be read (${codeOf(error)}): RENDER_TEMPLATES, or --templates, must name their folder`, error);
  }
}

const readdirOf = (folder: string) => readdir(folder, { withFileTypes: true });

async function textIn(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    throw new AgentError("AGENT_RENDER_INVALID", `the template ${name} can't be read (${codeOf(error)})`, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function refuse(files: readonly { readonly name: string; readonly problems: readonly LineProblem[] }[]): void {
  const lines = [...new Set(files.flatMap(({ name, problems }) => problems.map(({ line, says }) => `  ${name}, line ${line}: ${says}.`)))];
  if (lines.length > 0) throw new AgentError("AGENT_RENDER_INVALID", [`Asterisk's configuration can't be made (${lines.length === 1 ? "1 problem" : `${lines.length} problems`}; values are never shown):`, ...lines].join("\n"));
}
