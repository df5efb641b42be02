// The real command and the real kernel: SIGKILL at chosen steps and at any moment, and Secrets Manager as it is on bad days.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { startEmbeddedAws } from "../support/aws/aws-server.ts";
import { buildBundle } from "../support/build-bundle.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** The command as a node has it: one file, which starts in a fraction of the time that its sources take. */
let bundle: Awaited<ReturnType<typeof temporaryFolder>>;
let nodectl = "";

before(async () => {
  bundle = await temporaryFolder();
  nodectl = join(bundle.path, "dist/nodectl.js");
  await buildBundle(join(bundle.path, "dist"));
});

after(() => bundle.remove());

/** Runs a script; `killAfterMs` ends it with SIGKILL. */
function runScript(script: string, args: readonly string[], options: { readonly env?: Readonly<Record<string, string>>; readonly killAfterMs?: number } = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--no-warnings", ...(script.endsWith(".ts") ? ["--import", "tsx"] : []), script, ...args], { cwd: REPOSITORY, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
    const timer = options.killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), options.killAfterMs);
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => { out += text; });
    child.stderr.setEncoding("utf8").on("data", (text: string) => { err += text; });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out, err });
    });
  });
}

async function texts(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Object.fromEntries(await Promise.all(entries.map(async (entry) => [join(entry.parentPath, entry.name).slice(folder.length + 1), await readFile(join(entry.parentPath, entry.name), "utf8")] as const)));
}

async function folderFor(context: TestContext): Promise<string> {
  const temporary = await temporaryFolder();
  const { path } = temporary;
  context.after(() => temporary.remove());
  await mkdir(join(path, "etc"));
  return path;
}

const SETTINGS: Readonly<Record<string, string>> = { CLUSTER_ID: "aicc", NODE_ID: "node-a", PEERS: "node-b=10.0.2.10:8090", AWS_REGION: "eu-central-1", EIP_ALLOCATION_ID: "eipalloc-0a", PEER_INSTANCES: "node-b=i-0b", STASIS_APPS: "app", DATABASE_HOST: "db.example.com" };
const secretWith = (password: string): string => JSON.stringify({ ari_password: `ari-${password}`, heartbeat_keys: { k1: `${"A".repeat(43)}=` }, username: "dbuser", password });

async function settings(folder: string, changes: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const all = { ...SETTINGS, RENDER_TARGET: join(folder, "etc"), RENDER_TEMPLATES: join(REPOSITORY, "asterisk-config"), ASTERISK_CONTROL_SOCKET: join(folder, "asterisk.ctl"), ...changes };
  await writeFile(join(folder, "agent.env"), Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join(""));
  return { AGENT_ENV_FILE: join(folder, "agent.env") };
}

describe("a render that is killed", () => {
  it("by SIGKILL before chosen steps leaves whole files, which the next run makes a whole set", async (context) => {
    const script = "test/support/render-and-die.ts";
    const counting = await folderFor(context);
    await runScript(script, [join(counting, "etc"), "0", "old"]);
    const steps = Number((await runScript(script, [join(counting, "etc"), "0", "new"])).out);
    assert.ok(steps > 20);
    for (const step of [Math.round(steps * 0.3), Math.round(steps * 0.7), steps - 3, steps]) {
      const folder = join(await folderFor(context), "etc");
      await runScript(script, [folder, "0", "old"]);
      const old = await texts(folder);
      const killed = await runScript(script, [folder, String(step), "new"]);
      assert.equal(killed.signal, "SIGKILL", `step ${step}: ${killed.err}`);
      for (const [name, text] of Object.entries(await texts(folder))) {
        if (!/(?:^|\/)\.render/.test(name)) assert.ok(text === old[name] || text === `${name} new\n`.repeat(10_000), `step ${step}: ${name} is neither old nor new`);
      }
      assert.equal((await runScript(script, [folder, "0", "new"])).code, 0);
      const after = await texts(folder);
      assert.deepEqual(Object.keys(after), Object.keys(old), `step ${step}`);
      for (const [name, text] of Object.entries(after)) if (!name.startsWith(".")) assert.equal(text, `${name} new\n`.repeat(10_000));
    }
  });

  it("at any moment leaves every file as one render or the other made it", async (context) => {
    const folder = await folderFor(context);
    const env = await settings(folder, { SECRETS_FILE: join(folder, "secret.json"), ELASTIC_IP: "198.51.100.7", LOCAL_NET: "10.0.0.0/16" });
    const sets: Readonly<Record<string, string>>[] = [];
    let lastedMs = 0;
    for (const password of ["one", "two"]) {
      await writeFile(join(folder, "secret.json"), secretWith(password), { mode: 0o600 });
      const startedMs = performance.now();
      const { code, err } = await runScript(nodectl, ["render"], { env });
      lastedMs = performance.now() - startedMs;
      assert.equal(code, 0, err);
      sets.push(await texts(join(folder, "etc")));
    }
    for (let trial = 0; trial < 5; trial += 1) {
      await writeFile(join(folder, "secret.json"), secretWith(trial % 2 === 0 ? "one" : "two"), { mode: 0o600 });
      // Most of the time goes into starting Node: the kills fall into the last part, where the writing is.
      await runScript(nodectl, ["render"], { env, killAfterMs: lastedMs * (0.7 + 0.06 * trial) });
      for (const [name, text] of Object.entries(await texts(join(folder, "etc")))) {
        if (!/(?:^|\/)\.render/.test(name)) assert.ok(sets.some((set) => set[name] === text), `trial ${trial}: ${name} is of no render`);
      }
    }
    await writeFile(join(folder, "secret.json"), secretWith("one"), { mode: 0o600 });
    assert.equal((await runScript(nodectl, ["render"], { env })).code, 0);
    const { ".render.json": record, ...files } = await texts(join(folder, "etc"));
    assert.ok(record !== undefined);
    for (const [name, text] of Object.entries(files)) assert.equal(text, sets[0]?.[name], name);
  });
});

describe("a render with Secrets Manager", () => {
  it("outlasts its bad moments, and takes from EC2 and from the metadata what no knob gives", async (context) => {
    const folder = await folderFor(context);
    const instances = [{ id: "i-0a", availabilityZone: "eu-central-1a", interfaces: [{ id: "eni-a", privateIps: ["10.0.1.10"] }] }, { id: "i-0b", availabilityZone: "eu-central-1b", interfaces: [{ id: "eni-b", privateIps: ["10.0.2.10"] }] }];
    const aws = await startEmbeddedAws({ region: "eu-central-1", instances, addresses: [{ allocationId: "eipalloc-0a", publicIp: "203.0.113.5", heldBy: "i-0b" }], secrets: { "aicc/asterisk": secretWith("one") } });
    context.after(() => aws.close());
    const imds = await aws.imds("i-0a", "AKIAA");
    const env = { ...(await settings(folder, { SECRET_ID: "aicc/asterisk", RENDER_WITHIN_MS: "20000" })), AWS_ENDPOINT_URL: aws.url, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url, AWS_ACCESS_KEY_ID: "AKIAA", AWS_SECRET_ACCESS_KEY: "x" };
    aws.lab.addFault({ action: "GetSecretValue", times: 1, outcome: "error-500" });
    aws.lab.addFault({ action: "DescribeAddresses", times: 1, outcome: "throttle" });
    const first = await runScript(nodectl, ["render"], { env });
    assert.equal(first.code, 0, first.err);
    assert.match(first.err, /AGENT_SECRET_UNREADABLE: .*Trying again\./);
    const good = await texts(join(folder, "etc"));
    assert.match(good["pjsip.conf"] ?? "", /^external_media_address = 203\.0\.113\.5$/m);
    assert.match(good["pjsip.conf"] ?? "", /^local_net = 10\.0\.0\.0\/16,100\.64\.0\.0\/16$/m);

    aws.lab.putSecret("aicc/asterisk", secretWith("two"));
    for (const outcome of ["deny", "lose-reply"] as const) {
      aws.lab.clearFaults();
      aws.lab.addFault({ action: "GetSecretValue", outcome });
      const startedMs = performance.now();
      const failed = await runScript(nodectl, ["render"], { env: { ...env, RENDER_WITHIN_MS: "3000" } });
      assert.equal(failed.code, 1);
      assert.ok(performance.now() - startedMs >= 2_500, "it tried for as long as it may");
      assert.match(failed.err, /AGENT_SECRET_UNREADABLE: Secrets Manager GetSecretValue of aicc\/asterisk: .*\nNothing was changed: the last good configuration stays\.\nRemedy: /);
      assert.deepEqual(await texts(join(folder, "etc")), good);
    }
    aws.lab.clearFaults();
    assert.equal((await runScript(nodectl, ["render"], { env })).code, 0);
    assert.match((await texts(join(folder, "etc")))["res_odbc.conf"] ?? "", /^password = two$/m);
  });
});
