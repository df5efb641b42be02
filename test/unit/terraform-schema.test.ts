/**
 * Every resource, argument and attribute in provisioning/terraform exists in the AWS provider, in both majors that
 * versions.tf allows. The schemas are small generated files, so this needs neither Terraform nor a network.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { argumentProblems, PROVIDER_SCHEMAS, type ProviderSchema, type TypeSchema } from "../support/hcl/provider-schema.ts";
import { allModules, type Block, type Module } from "../support/hcl/read-hcl.ts";

const modules = await allModules();

const schemaOf = (schema: ProviderSchema, kind: "resources" | "data", type: string): TypeSchema | undefined => schema[kind][type];

function unknownTypes(schema: ProviderSchema, module: Module): readonly string[] {
  const look = (kind: "resources" | "data", blocks: readonly Block[]): string[] => blocks.filter(({ type }) => type.startsWith("aws_") && schemaOf(schema, kind, type) === undefined).map(({ type, file }) => `${file}: ${type} is not in the schema; run write-provider-schema.ts`);
  return [...look("resources", module.resources), ...look("data", module.data)];
}

function wrongArguments(schema: ProviderSchema, module: Module): readonly string[] {
  const look = (kind: "resources" | "data", blocks: readonly Block[]): readonly string[] =>
    blocks.flatMap(({ type, name, body, file }) => {
      const known = schemaOf(schema, kind, type);
      return known === undefined ? [] : argumentProblems(body, known.arguments, `${file}: ${type}.${name}`);
    });
  return [...look("resources", module.resources), ...look("data", module.data)];
}

/** `data.aws_x.y[…].attribute` and `aws_x.y[…].attribute`, also with a splat. */
const REFERENCE = /(data\.)?\b(aws_[a-z0-9_]+)\.([a-z0-9_]+)(?:\[[^\]]*\])?\.([a-z_]+)/g;

function wrongReferences(schema: ProviderSchema, module: Module): readonly string[] {
  return [...module.texts].flatMap(([file, text]) =>
    [...text.replaceAll(/#.*$/gm, "").matchAll(REFERENCE)].flatMap(([whole, data, type = "", name = "", attribute = ""]) => {
      const blocks = data === undefined ? module.resources : module.data;
      if (!blocks.some((block) => block.type === type && block.name === name)) return [`${file}: ${whole} refers to nothing`];
      const known = schemaOf(schema, data === undefined ? "resources" : "data", type);
      return known === undefined || known.attributes.includes(attribute) ? [] : [`${file}: ${whole}: ${type} has no attribute ${attribute}`];
    }),
  );
}

for (const schema of PROVIDER_SCHEMAS) {
  describe(`Terraform with AWS provider ${schema.provider}`, () => {
    for (const module of modules) {
      it(`knows every resource type of ${module.name}`, () => {
        assert.deepEqual(unknownTypes(schema, module), []);
        assert.ok(module.resources.length + module.modules.length > 0, "nothing was read");
      });

      it(`knows every argument of ${module.name}, and none is missing`, () => {
        assert.deepEqual(wrongArguments(schema, module), []);
      });

      it(`knows every attribute that ${module.name} refers to`, () => {
        assert.deepEqual(wrongReferences(schema, module), []);
      });
    }
  });
}

describe("the schema check", () => {
  const [schema] = PROVIDER_SCHEMAS;
  const arguments_ = schema?.resources["aws_instance"]?.arguments;
  const rule = schema?.resources["aws_vpc_security_group_ingress_rule"]?.arguments;

  it("finds a misspelt argument, in a nested block, too, and a missing one", () => {
    assert.ok(arguments_ !== undefined && rule !== undefined);
    assert.deepEqual(argumentProblems({ amy: "x", metadata_options: [{ http_token: "required" }] }, arguments_, "here"), ["here: there is no argument amy", "here.metadata_options: there is no argument http_token"]);
    assert.deepEqual(argumentProblems({ ip_protocol: "tcp" }, rule, "here"), ["here: security_group_id is required"]);
  });

  it("looks into blocks that are generated", () => {
    const alarm = schema?.resources["aws_cloudwatch_metric_alarm"]?.arguments;
    assert.ok(alarm !== undefined);
    const body = { alarm_name: "a", comparison_operator: "b", evaluation_periods: 1, dynamic: { metric_query: [{ for_each: "${x}", content: [{ idd: "n" }] }] } };
    assert.deepEqual(argumentProblems(body, alarm, "here"), ["here.metric_query: there is no argument idd", "here.metric_query: id is required"]);
  });

  it("covers both majors that versions.tf allows", () => {
    assert.deepEqual(PROVIDER_SCHEMAS.map((one) => Number(one.provider.split(".")[0])), [5, 6]);
  });
});
