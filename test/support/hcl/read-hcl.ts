/** Reads the Terraform files of provisioning/ with HashiCorp's own parser, compiled to WebAssembly (@cdktn/hcl2json). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktn/hcl2json";

/** A body as the parser gives it: expressions are texts `${…}`, blocks are lists of bodies. */
export type Body = Readonly<Record<string, unknown>>;

/** One `resource`, `data`, `variable`, `output` … */
export interface Block {
  /** Of a resource or data source: its type. Else empty. */
  readonly type: string;
  readonly name: string;
  readonly body: Body;
  readonly file: string;
}

/** One folder with Terraform files. */
export interface Module {
  /** As in "pair" or "examples/complete". */
  readonly name: string;
  readonly folder: string;
  readonly resources: readonly Block[];
  readonly data: readonly Block[];
  readonly variables: readonly Block[];
  readonly outputs: readonly Block[];
  readonly modules: readonly Block[];
  readonly settings: readonly Body[];
  readonly locals: Body;
  /** File name to its text, for what must not be in it. */
  readonly texts: ReadonlyMap<string, string>;
}

export const TERRAFORM_FOLDER = new URL("../../../provisioning/terraform/", import.meta.url).pathname;
export const MODULE_NAMES = ["pair", "outside-check", "examples/existing-eip", "examples/complete"] as const;
export type ModuleName = (typeof MODULE_NAMES)[number];

/** Every module and example. */
export function allModules(): Promise<readonly Module[]> {
  return Promise.all(MODULE_NAMES.map((name) => readModule(name)));
}

/** All *.tf files of one folder. Rejects when one can't be parsed. */
export async function readModule(name: ModuleName): Promise<Module> {
  const folder = join(TERRAFORM_FOLDER, name);
  const files = readdirSync(folder).filter((file) => file.endsWith(".tf"));
  const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
  const parsed = await Promise.all([...texts].map(async ([file, text]) => ({ file, content: (await parse(file, text)) as Record<string, unknown> })));
  const labelled = (kind: string): Block[] => parsed.flatMap(({ file, content }) => Object.entries(bodyOf(content[kind])).map(([label, bodies]) => ({ type: "", name: label, body: first(bodies), file })));
  const typed = (kind: string): Block[] => parsed.flatMap(({ file, content }) => Object.entries(bodyOf(content[kind])).flatMap(([type, named]) => Object.entries(bodyOf(named)).map(([label, bodies]) => ({ type, name: label, body: first(bodies), file }))));
  const plain = (kind: string): Body[] => parsed.flatMap(({ content }) => (Array.isArray(content[kind]) ? (content[kind] as Body[]) : []));
  return { name, folder, texts, resources: typed("resource"), data: typed("data"), variables: labelled("variable"), outputs: labelled("output"), modules: labelled("module"), settings: plain("terraform"), locals: Object.assign({}, ...plain("locals")) as Body };
}

function bodyOf(value: unknown): Body {
  return typeof value === "object" && value !== null ? (value as Body) : {};
}

function first(bodies: unknown): Body {
  return bodyOf(Array.isArray(bodies) ? bodies[0] : bodies);
}
