// nodectl's doctor on real nodes: a healthy pair is all ok, and each thing that is then broken is exactly one finding. Beside it
// what the operator reads afterwards: the table, the explanation and the history of a real failover.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Finding } from "../../agent/doctor/finding.ts";
import { ADDRESS, type NodeName } from "../support/lab/addresses.ts";
import { openPair, type Pair } from "../support/lab/pair.ts";
import { movedTo } from "../support/lab/pair-checks.ts";
import type { LabProcess } from "../support/lab/process.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { waitUntil } from "../support/wait-until.ts";

const NODECTL = join(REPOSITORY, "dist", "nodectl.js");

interface Ran {
  readonly code: number;
  readonly out: string;
}

/** Runs nodectl on a node with that node's own settings. It may fail: that is what is looked at. */
async function nodectl(pair: Pair, name: NodeName, ...args: readonly string[]): Promise<Ran> {
  const file = join(pair.lab.dir, `${name}.env`);
  const script = 'settings=$1; node=$2; program=$3; shift 3; AGENT_ENV_FILE="$settings" "$node" --no-warnings "$program" "$@"; code=$?; echo; echo "$code"';
  const { stdout } = await pair.lab.run(name, "sh", ["-c", script, "sh", file, process.execPath, NODECTL, ...args], { timeoutMs: 60_000 });
  const lines = stdout.trimEnd().split("\n");
  return { code: Number(lines.at(-1)), out: lines.slice(0, -1).join("\n").trim() };
}

/** Everything that is not ok, as `level check`. */
async function wrong(pair: Pair, name: NodeName): Promise<readonly string[]> {
  const { code, out } = await nodectl(pair, name, "doctor", "--json");
  const { problems, findings } = JSON.parse(out) as { readonly problems: number; readonly findings: readonly Finding[] };
  assert.equal(code, problems === 0 ? 0 : 1, "the exit code tells whether there is a problem");
  return findings.filter(({ level }) => level !== "ok").map(({ level, check, found }) => `${level} ${check}: ${found}`);
}

/** Waits until the doctor finds exactly that: the agents need a moment to notice. */
async function finds(pair: Pair, name: NodeName, ...expected: readonly RegExp[]): Promise<void> {
  let last: readonly string[] = [];
  await waitUntil(`the doctor of ${name} to find ${expected.length === 0 ? "nothing" : expected.map(String).join(" and ")}`, async () => {
    last = await wrong(pair, name);
    return last.length === expected.length && expected.every((pattern) => last.some((line) => pattern.test(line)));
  }, 60_000).catch((error: unknown) => { throw new Error(`it found:\n${last.join("\n")}`, { cause: error }); });
}

/** Another agent in place of node-b's, with a heartbeat key of its own under the same id. */
async function startWithOtherKey(pair: Pair): Promise<LabProcess> {
  const secret = join(pair.lab.dir, "other-key.json");
  const settings = join(pair.lab.dir, "other-key.env");
  await writeFile(secret, JSON.stringify({ ...pair.secret, heartbeat_keys: { k1: randomBytes(32).toString("base64") } }), { mode: 0o600 });
  await writeFile(settings, (await readFile(join(pair.lab.dir, "node-b.env"), "utf8")).replace(/^SECRET_ID=.*$/m, `SECRETS_FILE=${secret}`));
  return pair.lab.spawn("node-b", process.execPath, [join(REPOSITORY, "dist", "main.js")], { name: "agent-other-key", env: { AGENT_ENV_FILE: settings } });
}

/** Breaks one thing, sees that it is found and named, repairs it, and sees that all is well again. */
const BROKEN: readonly { readonly what: string; readonly at: NodeName; readonly finding: RegExp; readonly damage: (pair: Pair) => Promise<() => Promise<void>> }[] = [
  {
    what: "a claim that IAM denies", at: "node-b", finding: /^problem EC2 AssociateAddress: .*AGENT_CLOUD_DENIED/,
    damage: async (pair) => {
      await pair.aws("addFault", { action: "AssociateAddress", outcome: "deny" });
      return async () => { await pair.aws("clearFaults"); };
    },
  },
  {
    what: "a heartbeat port that the peer's firewall blocks", at: "node-a", finding: /^problem heartbeats with node-b: .*AGENT_PROBE_TIMEOUT/,
    damage: async (pair) => {
      await pair.lab.run("node-b", "nft", ["add table inet doctor; add chain inet doctor input { type filter hook input priority 0; }; " + `add rule inet doctor input ip saddr ${ADDRESS["node-a"]} tcp dport 8090 drop`]);
      return async () => { await pair.lab.run("node-b", "nft", ["delete table inet doctor"]); };
    },
  },
  {
    what: "another key on the peer", at: "node-a", finding: /^problem heartbeats with node-b: .*another key under the same id.*AGENT_PEER_REFUSED/,
    damage: async (pair) => {
      const { agent } = pair.node("node-b");
      agent?.kill("SIGTERM");
      await agent?.exited;
      const other = await startWithOtherKey(pair);
      return async () => {
        other.kill("SIGTERM");
        await other.exited;
        await pair.startAgent("node-b");
      };
    },
  },
  {
    what: "a wrong ARI password in Asterisk", at: "node-b", finding: /^problem ARI: ARI refuses the user agent.*AGENT_ARI_DENIED/,
    damage: async (pair) => {
      const { asterisk } = pair.node("node-b");
      const file = join(asterisk.etcDir, "ari.conf");
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replaceAll(/^password = .*$/gm, "password = not-this-one").replaceAll(/^password_format = .*$/gm, "password_format = plain"));
      await asterisk.cli("module reload res_ari");
      return async () => {
        await writeFile(file, text);
        await asterisk.cli("module reload res_ari");
      };
    },
  },
  {
    what: "a dead Asterisk", at: "node-b", finding: /^problem Asterisk: Neither ARI nor SIP answers/,
    damage: async (pair) => {
      const { asterisk } = pair.node("node-b");
      await asterisk.kill();
      return async () => {
        await asterisk.start();
        await asterisk.waitBooted();
      };
    },
  },
];

describe("nodectl on a pair", { timeout: 300_000 }, () => {
  let pair: Pair;
  before(async () => { pair = await openPair({}); });
  after(async () => { await pair.close(); });

  it("examines a node before an agent has ever run on it, and says what only a running one knows", async () => {
    await finds(pair, "node-a", /^warning agent: No agent answers/, /^problem heartbeats with node-b: .*nothing listens there.*AGENT_PROBE_REFUSED/);
  });

  it("finds nothing wrong with a healthy pair, shows it, and says why the standby does not claim", async () => {
    await Promise.all([pair.startAgent("node-a"), pair.startAgent("node-b")]);
    await pair.steady("node-a");
    await Promise.all([finds(pair, "node-a"), finds(pair, "node-b")]);
    const status = await nodectl(pair, "node-b", "status");
    assert.equal(status.code, 0);
    assert.match(status.out, /^node-a +eu-central-1a +active +holds +serving /m);
    assert.match(status.out, /^node-b \* +eu-central-1a +standby +- +serving /m);
    assert.deepEqual(status.out.split("\n").filter((line) => line.length > 80), []);
    assert.match((await nodectl(pair, "node-b", "explain")).out, /^Would node-b .*claim now\? No\./);
  });

  for (const { what, at, finding, damage } of BROKEN) {
    it(`finds exactly ${what}, and nothing once that is repaired`, async () => {
      const repair = await damage(pair);
      await finds(pair, at, finding);
      await repair();
      await pair.steady("node-a");
      await finds(pair, at);
    });
  }

  it("tells a real failover afterwards, on both nodes", async () => {
    const { agent, asterisk } = pair.node("node-a");
    agent?.kill("SIGKILL");
    await asterisk.kill();
    await movedTo(pair, "node-b");
    const history = await nodectl(pair, "node-b", "history");
    assert.match(history.out, /node-a -> node-b {2}by quorum[\s\S]*verdicts: node-b down[\s\S]*stages: suspicion .* confirmed /);
    await asterisk.start();
    await asterisk.waitBooted();
    await pair.startAgent("node-a");
    await pair.steady("node-b");
    assert.match((await nodectl(pair, "node-a", "status")).out, /^node-a \* .* standby /m);
    assert.match((await nodectl(pair, "node-b", "status")).out, /^last move +.* node-a -> node-b: node-a is gone/m);
  });
});
