/** What the AWS provider knows: the types that we use, their arguments and attributes, for each major version. */
import { readFileSync } from "node:fs";

/** Arguments of a resource or of a block in it. A nested block is an argument, too. */
export interface BlockSchema {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Those arguments that are blocks (or objects) with arguments of their own. */
  readonly blocks: Readonly<Record<string, BlockSchema>>;
}

export interface TypeSchema {
  readonly arguments: BlockSchema;
  /** Everything that may stand after `type.name.`, nested attributes included. */
  readonly attributes: readonly string[];
}

export interface ProviderSchema {
  /** As in "6.66.0". */
  readonly provider: string;
  readonly resources: Readonly<Record<string, TypeSchema>>;
  readonly data: Readonly<Record<string, TypeSchema>>;
}

/** Both majors that versions.tf allows. */
export const PROVIDER_SCHEMAS: readonly ProviderSchema[] = [5, 6].map((major) => JSON.parse(readFileSync(new URL(`aws-provider-${major}.json`, import.meta.url), "utf8")) as ProviderSchema);

/** Arguments that every resource takes from Terraform itself. */
const META = new Set(["for_each", "count", "depends_on", "provider", "lifecycle", "dynamic"]);

type Body = Readonly<Record<string, unknown>>;

/** What is wrong with a body by its schema: unknown arguments, missing ones. `where` begins each sentence. */
export function argumentProblems(body: Body, schema: BlockSchema, where: string): readonly string[] {
  const dynamic = asBody(body["dynamic"]);
  const given = [...Object.keys(body).filter((name) => !META.has(name)), ...Object.keys(dynamic)];
  const known = new Set([...schema.required, ...schema.optional]);
  const unknown = given.filter((name) => !known.has(name)).map((name) => `${where}: there is no argument ${name}`);
  const missing = schema.required.filter((name) => !given.includes(name)).map((name) => `${where}: ${name} is required`);
  const nested = Object.entries(schema.blocks).flatMap(([name, block]) => {
    const plain = blocksOf(body[name]);
    const generated = blocksOf(dynamic[name]).flatMap((one) => blocksOf(one["content"]));
    return [...plain, ...generated].flatMap((one) => argumentProblems(one, block, `${where}.${name}`));
  });
  return [...unknown, ...missing, ...nested];
}

/** hcl2json gives a block as a list of bodies; an expression is a text and can't be looked into. */
export function blocksOf(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.filter((one): one is Body => typeof one === "object" && one !== null && !Array.isArray(one)) : [];
}

function asBody(value: unknown): Body {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : {};
}
