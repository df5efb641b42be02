/**
 * README.md and RUNBOOK.md show only commands that there are. Those on a node are run in the lab (test/e2e/runbook.test.ts), those for
 * AWS by its CLI (test/e2e/runbook-aws.test.ts); here every verb and option of nodectl in a sentence is held against the program,
 * and so is what nothing here can run.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { nodectl } from "../../agent/cli/run.ts";
import { blocks, blocksOf, DOCUMENTS, inline, inlineOf } from "../support/documented-commands.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const { alarms } = JSON.parse(read("provisioning/alarms/alarms.json")) as { readonly alarms: readonly { readonly id: string; readonly says: string }[] };
const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
const silent = { out: () => undefined, err: () => undefined, colour: false, width: 80, env: { AGENT_ENV_FILE: "/nonexistent" } };

/** The words of a command line, quotes taken off. */
const words = (line: string): readonly string[] => [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");

/** Why nodectl would not take the line; null when it would. */
function refusal(line: string): string | null {
  const [, ...args] = words(line);
  let command = nodectl(silent);
  if (args[0] === "help" || args[0]?.startsWith("-") === true) return null;
  for (;;) {
    const next = command.commands.find((each) => each.name() === args[0]);
    if (next === undefined) break;
    command = next;
    args.shift();
  }
  if (command.name() === "nodectl") return `there is no verb ${args[0] ?? ""}`;
  const { unknown } = command.parseOptions(args);
  return unknown.length === 0 ? null : `${command.name()} does not know ${unknown.join(" ")}`;
}

describe("the commands in README.md and RUNBOOK.md", () => {
  it("are found in blocks, with a mark that says who runs them, and in sentences", () => {
    assert.ok(blocks().length > 30);
    assert.deepEqual(blocksOf("x.md", "a\n\n```sh on-node\nnodectl status\n```\n"), [{ at: "x.md:4", mark: "on-node", text: "nodectl status" }]);
    assert.throws(() => blocksOf("x.md", "```sh\nls\n```\n"), /x\.md:2: a block of commands needs one of the marks/);
    assert.deepEqual(inlineOf("x.md", "```text\n`nodectl no`\n```\nType `nodectl ack`, or `agent.env`.\n"), [{ at: "x.md:4", command: "nodectl ack" }]);
    for (const file of DOCUMENTS) assert.doesNotMatch(read(file), /^```(?:bash|shell|console|zsh)?\n(?:sudo |\$ )?(?:nodectl|npm|aws|terraform|pm2) /m, `${file} has a block of commands without a mark`);
  });

  it("are verbs and options that nodectl has", () => {
    const shown = [...inline(), ...blocks().flatMap(({ at, text }) => text.split("\n").map((command) => ({ at, command })))].filter(({ command }) => /^(?:sudo )?nodectl /.test(command));
    assert.ok(shown.length > 40);
    assert.deepEqual(shown.flatMap(({ at, command }) => { const why = refusal(command.replace(/^sudo /, "")); return why === null ? [] : [`${at}: ${command}: ${why}`]; }), []);
  });

  it("are scripts of package.json, units of the image and processes of pm2 that exist", () => {
    const ecosystem = read("ecosystem.config.js");
    for (const { at, command } of [...inline(), ...blocks().filter(({ mark }) => mark === "checkout" || mark === "on-node").flatMap(({ at: where, text }) => text.split("\n").map((each) => ({ at: where, command: each })))]) {
      const script = /^(?:sudo )?npm run ([\w-]+)/.exec(command)?.[1];
      if (script !== undefined) assert.ok(script in scripts, `${at}: ${command}`);
      const unit = /systemctl \w+ ([\w-]+)/.exec(command)?.[1];
      if (unit !== undefined) assert.ok(existsSync(new URL(`packer/rootfs/etc/systemd/system/${unit}.service`, ROOT)), `${at}: ${command}`);
      const app = /^pm2 (?:restart|logs) ([\w-]+)/.exec(command)?.[1];
      if (app !== undefined) assert.ok(ecosystem.includes(`name: "${app}"`), `${at}: ${command}`);
      assert.doesNotMatch(command, /^(?:aws|terraform|packer) /, `${at}: such a command belongs into a block, where it is run or parsed`);
    }
  });

  it("are tools of the checkout that tell their options, and have those that are shown", async () => {
    const tools = Object.entries(scripts).flatMap(([name, line]) => { const file = /^tsx (\S+-main\.ts)$/.exec(line)?.[1]; return file?.startsWith("test/") === true ? [{ name, file }] : []; });
    assert.ok(tools.length >= 6);
    const shown = [...inline(), ...blocks().flatMap(({ at, text }) => text.split("\n").map((command) => ({ at, command })))];
    await Promise.all(tools.map(async ({ name, file }) => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", file, "--help"], { cwd: ROOT });
      assert.match(stdout, new RegExp(`^Usage: ${name} `));
      for (const { at, command } of shown.filter((each) => each.command.startsWith(`npm run ${name} -- `))) for (const [option] of command.matchAll(/--[a-z][a-z-]*/g)) assert.match(stdout, new RegExp(`  ${option}\\b`), `${at}: ${command}`);
    }));
  });

  it("name folders, files, variables and outputs of Terraform and Packer that exist", () => {
    for (const { at, text } of blocks().filter(({ mark }) => mark === "terraform-parsed")) {
      for (const line of text.split("\n")) {
        assert.match(line, /^(?:terraform|packer\/host\/build\.sh|cp) /, `${at}: ${line}`);
        for (const [, folder = ""] of line.matchAll(/-chdir=(\S+)/g)) assert.ok(existsSync(new URL(`${folder}/main.tf`, ROOT)), `${at}: ${folder}`);
        for (const [, folder = "", output = ""] of line.matchAll(/-chdir=(\S+) output (\w+)/g)) assert.match(read(`${folder}/outputs.tf`), new RegExp(`output "${output}"`), at);
        for (const [, variable = ""] of line.matchAll(/-var (\w+)=/g)) assert.match(read("packer/variables.pkr.hcl"), new RegExp(`variable "${variable}"`), at);
        const copied = /^cp (\S+)/.exec(line)?.[1];
        if (copied !== undefined) assert.ok(existsSync(new URL(copied, ROOT)), `${at}: ${copied}`);
        if (line.startsWith("terraform")) assert.match(line, /^terraform -chdir=\S+ (?:init|plan|apply|output \w+)$/, at);
      }
    }
  });
});

describe("RUNBOOK.md", () => {
  const runbook = read("RUNBOOK.md");

  it("has one section an alarm, in the alarms' order, that begins with the alarm's own sentence, names what to look at, type and see", () => {
    const sections = [...runbook.matchAll(/^### `([a-z-]+)`\n\n([\s\S]*?)(?=^##)/gm)].map(([, id = "", text = ""]) => ({ id, text }));
    assert.deepEqual(sections.map(({ id }) => id), alarms.map(({ id }) => id));
    for (const { id, says } of alarms) {
      const text = sections.find((section) => section.id === id)?.text ?? "";
      assert.ok(text.replaceAll("\n", " ").startsWith(says), `${id} does not begin with: ${says}`);
      assert.match(text, /^```sh /m, `${id} names nothing to type`);
      assert.match(text, /^You should see: /m, `${id} does not say what one should see`);
    }
  });

  it("links only to sections that it has", () => {
    const slugs = new Set([...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")));
    for (const [, target = ""] of runbook.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(slugs.has(target), target);
  });

  it("covers what is planned and what is not protected", () => {
    for (const title of ["Planned failover", "Failback", "Replacing a node", "Rotating the heartbeat keys", "Upgrading a pair without a gap", "Restoring after a region event", "What is not protected"]) assert.match(runbook, new RegExp(`^##+ ${title}$`, "m"));
  });
});
