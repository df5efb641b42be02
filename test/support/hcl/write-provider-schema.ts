/**
 * Makes the small schema files from the CDK for Terraform's published bindings of the AWS provider, which carry every
 * resource with its arguments and attributes. The bindings are some hundred megabytes, so they are no dependency: fetch
 * them with `npm pack`, unpack them, and run, for each major version of the provider,
 *
 *   npm pack @cdktf/provider-aws@19.65.1      (provider 5.99.1)   or   npm pack @cdktn/provider-aws@25.7.0      (6.66.0)
 *   npx tsx test/support/hcl/write-provider-schema.ts UNPACKED/package test/support/hcl/aws-provider-5.json
 *
 * Only what provisioning/terraform uses is kept; a test says when that is no longer enough.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allModules } from "./read-hcl.ts";
import type { BlockSchema, ProviderSchema } from "./provider-schema.ts";

/** One property of an interface in the bindings: the documentation's link has the argument's own name. */
const PROPERTY = /#(\w+) \w+#\w+\}[^]*?readonly (\w+)(\??): ([^\n]*)/g;
const INTERFACE = /export interface (\w+)(?: extends [\w.]+)? \{\n([^]*?)\n\}/g;
/** How the bindings read an attribute. */
const GETTER = /get(?:String|Number|Boolean|List|StringMap|NumberList|BooleanMap|Any|AnyMap)Attribute\('(\w+)'\)|new \w+\(this, "(\w+)"/g;

function blockOf(name: string, interfaces: ReadonlyMap<string, string>): BlockSchema {
  const required: string[] = [];
  const optional: string[] = [];
  const blocks: Record<string, BlockSchema> = {};
  for (const [, argument = "", , mark, type = ""] of (interfaces.get(name) ?? "").matchAll(PROPERTY)) {
    (mark === "?" ? optional : required).push(argument);
    const nested = [...type.matchAll(/\b[A-Z]\w+/g)].map(([word]) => word).find((word) => interfaces.has(word));
    if (nested !== undefined) blocks[argument] = blockOf(nested, interfaces);
  }
  return { required: required.sort(), optional: optional.sort(), blocks };
}

function schemaOf(folder: string): { readonly arguments: BlockSchema; readonly attributes: readonly string[] } {
  const types = readFileSync(join(folder, "index.d.ts"), "utf8");
  const code = readFileSync(join(folder, "index.js"), "utf8");
  const interfaces = new Map([...types.matchAll(INTERFACE)].map(([, name = "", body = ""]) => [name, body]));
  const config = [...interfaces.keys()].find((name) => name.endsWith("Config") && types.includes(`interface ${name} extends`));
  if (config === undefined) throw new Error(`${folder} has no configuration interface`);
  const attributes = new Set([...code.matchAll(GETTER)].map(([, plain, complex]) => plain ?? complex ?? ""));
  return { arguments: blockOf(config, interfaces), attributes: [...attributes].sort() };
}

const [bindings, target] = process.argv.slice(2);
if (bindings === undefined || target === undefined) throw new Error("usage: write-provider-schema.ts UNPACKED_PACKAGE TARGET.json");
const version = /provider version (\d+\.\d+\.\d+)|providers\/hashicorp\/aws\/(\d+\.\d+\.\d+)/.exec(readFileSync(join(bindings, "README.md"), "utf8"));
const found: Record<"resources" | "data", Record<string, ReturnType<typeof schemaOf>>> = { resources: {}, data: {} };
for (const module of await allModules()) {
  for (const { type } of module.resources) if (type.startsWith("aws_")) found.resources[type] = schemaOf(join(bindings, "lib", folderOf(type)));
  for (const { type } of module.data) if (type.startsWith("aws_")) found.data[type] = schemaOf(join(bindings, "lib", `data-aws-${folderOf(type)}`));
}
const byName = <T>(record: Record<string, T>): Record<string, T> => Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
const schema: ProviderSchema = { provider: version?.[1] ?? version?.[2] ?? "unknown", resources: byName(found.resources), data: byName(found.data) };
writeFileSync(target, `${JSON.stringify(schema, null, 1)}\n`);

/** aws_db_instance is in the folder db-instance. */
function folderOf(type: string): string {
  return type.replace(/^aws_/, "").replaceAll("_", "-");
}
