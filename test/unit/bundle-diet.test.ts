import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { build } from "esbuild";
import { bundleDiet, withLiteralKeys } from "../support/bundle-diet.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const SCHEMAS = join(REPOSITORY, "node_modules/@aws-sdk/client-ec2/dist-es/schemas/schemas_0.js");

describe("the diet of the bundle", () => {
  it("writes keys that are constants as the strings that they are, and leaves everything else", () => {
    const text = 'const _xN = "xmlName";\nexport var A$ = [3, [{ [_xN]: _dR, [other]: 1, [_unknown]: 2 }]];\n';
    assert.equal(withLiteralKeys(text), 'const _xN = "xmlName";\nexport var A$ = [3, [{ "xmlName": _dR, [other]: 1, [_unknown]: 2 }]];\n');
  });

  it("finds no key in EC2's shapes that it can't write so: the SDK's form has not changed", () => {
    const text = withLiteralKeys(readFileSync(SCHEMAS, "utf8"));
    assert.doesNotMatch(text, /[{,]\s*\[_\w+\]:/);
  });

  it("keeps the shapes of the calls that are made, and drops those of the thousands that are not", async () => {
    const { outputFiles } = await build({ absWorkingDir: REPOSITORY, stdin: { contents: 'import { DescribeAddressesCommand, EC2Client } from "@aws-sdk/client-ec2"; console.log(EC2Client, DescribeAddressesCommand);', resolveDir: REPOSITORY }, bundle: true, platform: "node", format: "esm", mainFields: ["module", "main"], plugins: [bundleDiet], write: false, logLevel: "silent" });
    const code = outputFiles[0]?.text ?? "";
    assert.match(code, /DescribeAddressesRequest/);
    assert.doesNotMatch(code, /TerminateInstancesRequest/);
  });
});
