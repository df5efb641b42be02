// Completion and help are made from the verbs that there are; bash itself says whether the script completes.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { completionScript } from "../../agent/cli/completion.ts";
import { nodectl, runCli } from "../../agent/cli/run.ts";
import type { Terminal } from "../../agent/cli/verb.ts";

const SILENT: Terminal = { out: () => undefined, err: () => undefined, colour: false, width: 80, env: {} };

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const out: string[] = [];
  const code = await runCli(args, { ...SILENT, out: (line) => out.push(line) });
  return { code, out: out.join("\n") };
}

/** What bash offers for a command line whose last word is being typed. */
function offered(...words: readonly string[]): Promise<readonly string[]> {
  const script = `${completionScript("bash", nodectl(SILENT))}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _nodectl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return new Promise((resolve, reject) => {
    execFile("bash", ["-c", script], (error, out) => { if (error === null) resolve(out.trim().split("\n")); else reject(new Error(error.message)); });
  });
}

describe("completion", () => {
  it("offers in bash the verbs, their options, and the shells", async () => {
    assert.deepEqual(await offered("nodectl", "ex"), ["explain"]);
    assert.deepEqual(await offered("nodectl", "watch", "--e"), ["--every"]);
    assert.deepEqual(await offered("nodectl", "completion", ""), ["bash", "zsh", "fish", "--help"]);
    assert.deepEqual(await offered("nodectl", "help", "doc"), ["doctor"]);
  });

  it("names every verb and option in each shell's script", () => {
    const program = nodectl(SILENT);
    for (const shell of ["bash", "zsh", "fish"] as const) {
      const script = completionScript(shell, program);
      for (const command of program.commands) {
        assert.ok(script.includes(command.name()), `${shell}: ${command.name()}`);
        for (const { long } of command.options) assert.ok(script.includes(shell === "fish" ? `-l '${long?.slice(2) ?? ""}'` : (long ?? "")), `${shell}: ${command.name()} ${long ?? ""}`);
      }
    }
  });

  it("is a script that each installed shell can parse", () => {
    const program = nodectl(SILENT);
    const parsed = (["bash", "zsh", "fish"] as const).flatMap((shell) => {
      const { status, error, stderr } = spawnSync(shell, ["-n"], { input: completionScript(shell, program), encoding: "utf8" });
      return error === undefined ? [[shell, status, stderr]] : [];
    });
    assert.deepEqual(parsed.filter(([, status]) => status !== 0), []);
    assert.ok(parsed.some(([shell]) => shell === "bash"));
  });

  it("is printed by the verb, and refuses a shell that it does not know as wrong usage", async () => {
    const { code, out } = await run("completion", "zsh");
    assert.equal(code, 0);
    assert.match(out, /^#compdef nodectl$/m);
    assert.equal((await run("completion", "tcsh")).code, 2);
    assert.equal((await run("completion")).code, 2);
  });
});

describe("nodectl help", () => {
  it("shows an example of every verb, by the verb itself", async () => {
    for (const command of nodectl(SILENT).commands) {
      const { code, out } = await run("help", command.name());
      assert.equal(code, 0, command.name());
      assert.match(out, new RegExp(`^Example: .*nodectl ${command.name()}\\b`, "m"));
    }
  });
});
