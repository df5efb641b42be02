/** The environment file and the configuration that is read from it: nothing may be passed over in silence. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { loadConfig, type Config } from "../../../agent/config.ts";
import { readEnvFile } from "../../../agent/env-file.ts";
import { KNOB_NAMES, knobRow } from "../../../agent/knobs.ts";
import { NODE_SETTINGS, WITNESS_SETTINGS } from "../../support/settings.ts";
import { betraysCanary, CANARY, mutatedText, noise } from "../mutate.ts";
import { assertRefusal } from "../judge.ts";
import { target } from "../target.ts";

const lines = (settings: Readonly<Record<string, string>>): string => Object.entries(settings).map(([name, value]) => `${name}=${value}`).join("\n");
const SEEDS = [
  lines(NODE_SETTINGS),
  lines(WITNESS_SETTINGS),
  `# a comment\n${lines({ ...NODE_SETTINGS, TIMING: "cautious", STASIS_APPS: "callcenter,ivr", WITNESSES: "witness-1=10.0.3.10:8090", HOLD_DOWN_MS: "10000" })}\n\nexport LOG_LEVEL='debug'\nSTATE_DIR="/var/lib/x"\n`,
];
const TOKENS = ["\n", "\r\n", "\r", "=", " = ", ": ", "'", '"', "`", "#", " # ", "export ", "\\n", "$HOME", "\ufeff", "\u2028", ...KNOB_NAMES.map((name) => `\n${name}=`), "\nHOLD_DOWN_MS=1e3", "\nARI_PASSWORD=", `\nHEARTBEAT_KEYS=${CANARY}`, "-1", "1e999", "0x10", "1.5", "99999999999999999999", "10.0.0.256", "[::1]:8090", "0.0.0.0:1", "node-b=", ",,"];

/** Names that a person would say are set: at the beginning of a line, whatever ends the lines. */
function namesSeen(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/(?:^|[\r\n])[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*=/g)].map((match) => match[1] ?? ""));
}

function assertSound(config: Config): void {
  for (const name of KNOB_NAMES) {
    const { kind, min, max } = knobRow(name);
    const field = name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const value = (config.core as unknown as Readonly<Record<string, unknown>>)[field];
    if (kind !== "duration" || value === undefined) continue;
    assert.ok(typeof value === "number" && Number.isSafeInteger(value) && value >= (min ?? 0) && value <= (max ?? Infinity), `${name} is ${JSON.stringify(value)}`);
  }
  assert.ok(config.core.peerLateAfterMs < config.core.peerLostAfterMs, "contradictory timing");
  assert.equal(config.node === null, config.core.kind === "witness");
  for (const { host } of config.members.values()) assert.doesNotMatch(host, /\s/);
  // It is passed to the file system, to sockets and to Asterisk: no text of it may hold a line break.
  for (const text of [config.stateDir, config.core.clusterId, ...(config.secret.kind === "file" ? [config.secret.path] : [])]) assert.doesNotMatch(text, /[\r\n\0]/, "a line break within a value");
}

/** Problems of knobs and names that may stand beside a secret, and of lines that are not understood. */
const SECRET_LINE = /^\s*(?:\S*(?:SECRET|PASSWORD|KEYS|ARI_USERNAME)\S*[: ]|.*: line \d+ is neither)/;

/** 100 wrong lines are 100 lines of problems. */
const MESSAGE_MAX = 200_000;

export const envFile = target({
  name: "env-file",
  says: "the text of agent.env, to its reader and to the configuration",
  inputs: fc.oneof({ weight: 6, arbitrary: mutatedText(fc.constantFrom(...SEEDS), TOKENS) }, { weight: 1, arbitrary: noise(TOKENS) }),
  schema: z.string(),
  casesInSuite: 800,
  share: 60_000,
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), "fuzz-env-"));
    const path = join(folder, "agent.env");
    return {
      feed(text) {
        writeFileSync(path, text);
        let config: Config;
        try {
          const file = readEnvFile({ AGENT_ENV_FILE: path }, folder);
          config = loadConfig({ file: file.values, fileProblems: file.problems, process: {} }, "1.2.3");
          for (const name of namesSeen(text)) assert.ok(Object.hasOwn(file.values, name), `${name} is set in the file, and was passed over in silence`);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          assertRefusal(error, { codes: ["AGENT_CONFIG_INVALID"], messageMax: MESSAGE_MAX });
          // Other knobs' values are told on purpose, if they are short and plain: whoever misspelt one must see how.
          // Names are told, too; the longest first, because one may begin with another.
          const names = (text.match(/[\w.-]+(?=\s*=)/g) ?? []).toSorted((one, other) => other.length - one.length);
          const valueIn = (line: string): string => names.reduce((rest, name) => rest.replaceAll(name, "NAME"), line);
          const secret = error.message.split("\n").filter((line) => SECRET_LINE.test(line) && betraysCanary(valueIn(line)));
          assert.deepEqual(secret, [], "a value that may be a secret is told");
          return false;
        }
        assertSound(config);
        return true;
      },
      close: () => Promise.resolve(rmSync(folder, { recursive: true })),
    };
  },
});
