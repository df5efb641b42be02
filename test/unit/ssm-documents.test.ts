/** The documents of provisioning/ssm: well formed, safe to fill in from the console, in the right order, and only with verbs that exist. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { runCli } from "../../agent/cli/run.ts";
import { nodectl } from "../../agent/cli/run.ts";
import { readModule } from "../support/hcl/read-hcl.ts";
import { fillTemplate } from "../support/terraform-template.ts";

interface Parameter {
  readonly type: string;
  readonly description: string;
  readonly default?: string;
  readonly allowedPattern?: string;
}
interface Step {
  readonly name: string;
  readonly action: string;
  readonly description?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly { readonly Name: string }[];
}
interface Document {
  readonly schemaVersion: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly mainSteps: readonly Step[];
}

const FOLDER = new URL("../../provisioning/ssm/", import.meta.url);
const UNITS = new URL("../../packer/rootfs/etc/systemd/system/", import.meta.url);
const PREFIX = "asterisk-node-demo";
const VALUES = { cluster_id: "demo", prefix: PREFIX, allocation_id: "eipalloc-0123456789abcdef0", instance_a: "i-0aaaaaaaaaaaaaaaa", instance_b: "i-0bbbbbbbbbbbbbbbb" };
const names = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml")).map((file) => file.replace(".yaml", ""));
const documents = new Map(names.map((name) => [name, parse(fillTemplate(new URL(`${name}.yaml`, FOLDER), VALUES)) as Document]));
const document = (name: string): Document => {
  const found = documents.get(name);
  assert.ok(found !== undefined, `there is no ${name}.yaml`);
  return found;
};
const stepNames = (name: string): readonly string[] => document(name).mainSteps.map((step) => step.name);
const scriptOf = (step: Step): string => (step.inputs["runCommand"] as string[]).join("\n");
const pair = await readModule("pair");
const published = new Map([...(pair.texts.get("documents.tf") ?? "").matchAll(/(\w+)\s+= \{ file = "([\w-]+)", type = "(\w+)" \}/g)].map(([, name = "", file = "", type = ""]) => [file, { name, type }]));

/** What nodectl offers, and what the image must bring along. */
const VERBS = nodectl({ out: () => undefined, err: () => undefined, colour: false, width: 80, env: {} }).commands;
const IMAGE_COMMANDS = ["nodectl", "curl", "pm2", "systemctl", "/var/lib/cloud/instance/boothooks/part-001"];
/** And every Debian has. */
const SHELL_WORDS = ["set", "umask", "trap", "echo", "mkdir", "tar", "test", "chmod", "rm", "mv", "until", "if", "fi", "done", "sleep", "exit"];

describe("Systems Manager documents", () => {
  it("are all published by the module, by the type that they are of", () => {
    assert.deepEqual([...published.keys()].sort(), [...names].sort());
    for (const [file, { type }] of published) assert.equal(document(file).schemaVersion, type === "Command" ? "2.2" : "0.3", file);
  });

  it("offer a health check, a switchover, and rolling deployments of a bundle and of an image", () => {
    for (const name of ["health-check", "switchover", "rolling-bundle", "rolling-image"]) document(name);
  });

  for (const [name, { parameters, mainSteps, description }] of documents) {
    it(`(${name}) refer only to parameters and to what earlier steps gave`, () => {
      const known = new Set(Object.keys(parameters));
      for (const step of mainSteps) {
        for (const [, reference = ""] of JSON.stringify(step.inputs).matchAll(/\{\{\s*([\w.]+)\s*\}\}/g)) assert.ok(known.has(reference), `${step.name} refers to ${reference}`);
        for (const output of step.outputs ?? []) known.add(`${step.name}.${output.Name}`);
      }
      assert.equal(new Set(mainSteps.map((step) => step.name)).size, mainSteps.length);
      assert.ok(description.startsWith("demo: "));
    });

    it(`(${name}) take no text that a shell could read as more than a word`, () => {
      for (const [parameter, { type, allowedPattern, default: fallback, description: says }] of Object.entries(parameters)) {
        assert.ok(says.length > 8, parameter);
        if (parameter === "AutomationAssumeRole" || type.startsWith("AWS::")) continue; // Systems Manager checks these
        assert.ok(allowedPattern !== undefined, `${parameter} takes anything`);
        for (const hostile of ["10m; reboot", "$(reboot)", "`reboot`", "a'b", "a\nb", "", "https://x/$(id)", "https://x/a'b", "https://x/a b"]) assert.doesNotMatch(hostile, new RegExp(allowedPattern), parameter);
        if (fallback !== undefined) assert.match(fallback, new RegExp(allowedPattern), parameter);
      }
    });
  }

  it("need nothing to be filled in but what the operator decides", () => {
    for (const [name, { parameters }] of documents) {
      const open = Object.entries(parameters).filter(([, parameter]) => parameter.default === undefined).map(([key]) => key);
      assert.deepEqual(open, { "deploy-bundle": ["BundleUrl", "BundleSha256"], "rolling-bundle": ["BundleUrl", "BundleSha256"], "rolling-image": ["ImageId"] }[name] ?? [], name);
    }
  });

  it("run only commands that a node has, stop at the first that fails, and print no secret", () => {
    for (const [name, { mainSteps }] of documents) {
      for (const step of mainSteps.filter(({ action }) => action === "aws:runShellScript")) {
        const script = scriptOf(step);
        assert.match(script, /^#!\/bin\/sh\nset -eu\n/, name);
        assert.doesNotMatch(script, /set -\w*x|get-secret|password/i, name);
        for (const line of script.split("\n").slice(1)) {
          const [word = ""] = line.trim().split(" ");
          assert.ok([...IMAGE_COMMANDS, ...SHELL_WORDS].includes(word) || /^[a-z]+=/.test(word), `${name}: ${line}`);
        }
        for (const [, unit = ""] of script.matchAll(/([\w-]+)\.service/g)) assert.ok(existsSync(new URL(`${unit}.service`, UNITS)), `${name}: the image has no ${unit}.service`);
        for (const [line, verb = ""] of script.matchAll(/^nodectl (\w+).*$/gm)) {
          const known = VERBS.find((one) => one.name() === verb)?.options.map(({ long }) => long);
          assert.ok(known !== undefined, `${name}: ${line}`);
          for (const [option] of line.matchAll(/--[a-z-]+/g)) assert.ok(known.includes(option), `${name}: ${line}`);
        }
        execFileSync("sh", ["-n"], { input: script });
      }
    }
  });

  it("start only documents of this cluster, by the name under which they are published", () => {
    const existing = new Set([...published.values()].map(({ name }) => `${PREFIX}-${name}`));
    for (const [name, { mainSteps }] of documents) {
      for (const { inputs } of mainSteps) if (inputs["DocumentName"] !== undefined) assert.ok(existing.has(inputs["DocumentName"] as string), `${name} starts ${inputs["DocumentName"] as string}`);
    }
  });

  it("pass to a started document the parameters that it has, all that it asks for", () => {
    const byName = new Map([...published].map(([file, { name }]) => [`${PREFIX}-${name}`, document(file)]));
    for (const [name, { mainSteps }] of documents) {
      for (const step of mainSteps) {
        const started = byName.get((step.inputs["DocumentName"] ?? "") as string);
        if (started === undefined) continue;
        const given = Object.keys((step.inputs["Parameters"] ?? step.inputs["RuntimeParameters"] ?? {}));
        for (const key of given) assert.ok(key in started.parameters, `${name}: ${step.name} gives ${key}`);
        for (const [key, { default: fallback }] of Object.entries(started.parameters)) if (fallback === undefined) assert.ok(given.includes(key), `${name}: ${step.name} does not give ${key}`);
      }
    }
  });

  it("hand over only to a standby that was checked, and believe EC2 that the address moved", () => {
    assert.deepEqual(stepNames("switchover"), ["findHolder", "chooseSides", "checkStandby", "switchover", "waitForTheMove", "checkNewActive"]);
  });

  it("hand over with the verb and the options that nodectl has, and drain no longer than they wait", async () => {
    const ask = document("ask-switchover").mainSteps[0];
    assert.ok(ask !== undefined);
    const words = /^nodectl (switchover .*)$/m.exec(scriptOf(ask))?.[1]?.split(" ") ?? [];
    const nodectl = async (drain: string): Promise<{ readonly code: number; readonly said: string }> => {
      const said: string[] = [];
      const say = (line: string): void => { said.push(line); };
      const args = words.join(" ").replace("{{ Drain }}", drain).split(" ");
      return { code: await runCli([...args, "--socket", "/nowhere/agent.sock"], { out: say, err: say, colour: false, width: 80, env: {} }), said: said.join("\n") };
    };
    const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };
    const pattern = new RegExp(document("switchover").parameters["Drain"]?.allowedPattern ?? "");
    for (const drain of ["0", "1s", "999s", "1m", "99m", "1h"]) {
      assert.match(drain, pattern);
      // It gets as far as looking for the agent: the command line is understood.
      const { code, said } = await nodectl(drain);
      assert.deepEqual([code, /No agent answers/.test(said)], [1, true], said);
      assert.ok(Number.parseInt(drain, 10) * (units[drain.at(-1) ?? ""] ?? 0) + 300 <= Number(ask.inputs["timeoutSeconds"]), drain);
    }
    for (const drain of ["2h", "100m", "10", "10 m"]) assert.doesNotMatch(drain, pattern);
    for (const name of ["ask-switchover", "rolling-bundle", "rolling-image"]) assert.equal(document(name).parameters["Drain"]?.allowedPattern, pattern.source, name);
  });

  it("roll out on the standby first, check it, hand over, and only then touch the other", () => {
    assert.deepEqual(stepNames("rolling-bundle"), ["findHolder", "chooseSides", "checkActive", "deployToStandby", "checkStandby", "switchover", "deployToOther", "checkOther"]);
    assert.deepEqual(stepNames("rolling-image"), ["findHolder", "chooseSides", "checkActive", "replaceStandby", "awaitStandby", "bootStandby", "checkStandby", "switchover", "replaceOther", "awaitOther", "bootOther", "checkOther"]);
    for (const [name, first, second] of [["rolling-bundle", "deployToStandby", "deployToOther"], ["rolling-image", "replaceStandby", "replaceOther"]] as const) {
      const target = (step: string): string => JSON.stringify(document(name).mainSteps.find((one) => one.name === step)?.inputs);
      assert.match(target(first), /\{\{ chooseSides\.Standby \}\}/);
      assert.match(target(second), /\{\{ chooseSides\.Active \}\}/);
    }
  });

  it("keep the old volume when an image is rolled out, as the way back", () => {
    for (const step of ["replaceStandby", "replaceOther"]) assert.equal(document("rolling-image").mainSteps.find((one) => one.name === step)?.inputs["DeleteReplacedRootVolume"], false);
  });

  it("tell the sides apart by the holder, and stop when that is a stranger", () => {
    const script = document("switchover").mainSteps.find(({ name }) => name === "chooseSides")?.inputs["Script"] as string;
    assert.match(script, /if holder not in nodes:\n\s+raise ValueError/);
    assert.match(script, /"Active": holder, "Standby": nodes\[1 - nodes\.index\(holder\)\]/);
  });
});
