/** The nodes' user data, run as cloud-init runs it: it writes the environment file that the agent accepts, and nothing else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { loadConfig } from "../../agent/config.ts";
import { readEnvFile } from "../../agent/env-file.ts";
import { KNOB_NAMES, knobRow, type KnobName } from "../../agent/knobs.ts";
import { parseSettings, readVariables } from "../../agent/stasis-app/settings.ts";
import { readModule } from "../support/hcl/read-hcl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { fillTemplate } from "../support/terraform-template.ts";

const run = promisify(execFile);
const TEMPLATE = new URL("../../provisioning/terraform/pair/user-data.sh.tftpl", import.meta.url);

/** As environment.tf makes them; the Terraform tests assert that it does, and a test below that no name is missing. */
const NODE_SETTINGS = {
  AWS_LOCAL_ADDRESS: "10.0.1.11",
  AWS_REGION: "eu-central-1",
  CLUSTER_ID: "demo",
  DATABASE_HOST: "db.example.internal",
  DATABASE_NAME: "asterisk",
  DATABASE_PORT: "3306",
  EIP_ALLOCATION_ID: "eipalloc-0123456789abcdef0",
  EIP_SIP_PORT: "5060",
  ELASTIC_IP: "203.0.113.99",
  INCOMING_APP: "aicc",
  LISTEN: "0.0.0.0:8090",
  METRICS_NAMESPACE: "Asterisk/Node",
  NODE_ID: "node-a",
  PEERS: "node-b=10.0.2.10:8090",
  PEER_SIP_PORT: "5060",
  ROLE: "node",
  SECRET_ID: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:asterisk-node-demo-AbCdEf",
  SIP_ADDRESS: "127.0.0.1:5060",
  SIP_TCP: "false",
  STASIS_APPS: "aicc",
  WITNESSES: "witness-c=10.0.3.10:8090",
};
const WITNESS_SETTINGS = { AWS_REGION: "eu-central-1", CLUSTER_ID: "demo", EIP_SIP_PORT: "5060", LISTEN: "0.0.0.0:8090", NODE_ID: "witness-c", PEERS: "node-a=10.0.1.10:8090,node-b=10.0.2.10:8090", PEER_SIP_PORT: "5060", ROLE: "witness", SECRET_ID: NODE_SETTINGS.SECRET_ID };

/** With cold_standby, besides the tag with all nodes' instances. */
const COLD_SETTINGS = { COLD_STANDBY: "true", EIP_ALLOCATION_ID: NODE_SETTINGS.EIP_ALLOCATION_ID, WITNESSES: "witness-d=10.0.3.11:8090" };

/** cloud-init takes its own first line off and runs the rest. */
function boothook(values: Readonly<Record<string, string>>): string {
  const text = fillTemplate(TEMPLATE, values);
  assert.match(text, /^#cloud-boothook\n#!\/bin\/sh\n/);
  return text.replace("#cloud-boothook\n", "");
}

const lines = (settings: Readonly<Record<string, string>>): string => Object.entries(settings).map(([name, value]) => `${name}=${value}`).join("\n");

/** Instance metadata whose tag appears after `misses` questions, as when Terraform is still making the peer. */
async function metadata(t: TestContext, tag: string | null, misses = 0): Promise<string> {
  let left = misses;
  const server = createServer((request, response) => {
    const answer = (status: number, text = ""): void => { response.writeHead(status).end(text); };
    if (request.method === "PUT" && request.url === "/latest/api/token") return answer(200, "a-token");
    if (request.headers["x-aws-ec2-metadata-token"] !== "a-token") return answer(401);
    if (request.url !== "/latest/meta-data/tags/instance/PeerInstances" || tag === null || left > 0) {
      left -= 1;
      return answer(404);
    }
    answer(200, tag);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Boot {
  readonly folder: string;
  readonly file: string;
  run(): Promise<void>;
}

/** A machine with an empty folder for the file. */
async function machine(folder: string, settings: Readonly<Record<string, string>>, endpoint: string, asks: "yes" | "no", patienceS = 60, app = ""): Promise<Boot> {
  const script = join(folder, "user-data");
  await writeFile(script, boothook({ asks_for_peers: asks, app_settings: app, settings: lines(settings) }), { mode: 0o700 });
  const etc = join(folder, "etc");
  await mkdir(etc);
  const file = join(etc, "agent.env");
  const env = { PATH: await pathWithCurl(folder), AGENT_ENV_FILE: file, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint, PEERS_WITHIN_S: String(patienceS) };
  return { folder: etc, file, run: async () => { await run(script, { env, cwd: folder }); } };
}

async function scratch(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  return folder.path;
}

/** What the script asks of curl, for a test machine that has none. */
const CURL = `#!${process.execPath}
const [, , ...words] = process.argv;
const after = (name) => words.flatMap((word, index) => (word === name ? [words[index + 1]] : []));
const headers = Object.fromEntries(after("--header").map((line) => line.split(/: (.*)/s)));
fetch(words.at(-1), { method: after("--request")[0] ?? "GET", headers }).then(async (reply) => {
  process.stdout.write(reply.ok ? await reply.text() : "");
  process.exitCode = reply.ok ? 0 : 22;
});
`;

/** PATH with a curl in it. */
async function pathWithCurl(folder: string): Promise<string> {
  const path = process.env["PATH"] ?? "";
  if (path.split(":").some((one) => existsSync(join(one, "curl")))) return path;
  await writeFile(join(folder, "curl"), CURL, { mode: 0o700 });
  return `${folder}:${path}`;
}

describe("user data", { skip: process.platform === "linux" ? false : "it runs on Debian and uses its tools" }, () => {
  it("writes a file that the agent accepts, with the peer's instance from the tag", async (t) => {
    const boot = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb"), "yes");
    await boot.run();
    const { values, problems } = readEnvFile({ AGENT_ENV_FILE: boot.file }, boot.folder);
    assert.deepEqual(problems, []);
    assert.deepEqual(values, { ...NODE_SETTINGS, PEER_INSTANCES: "node-b=i-0bbbbbbbbbbbbbbbb" });
    const config = loadConfig({ file: values, process: {} }, "0.0.0");
    assert.deepEqual(config.node?.peerInstances, new Map([["node-b", "i-0bbbbbbbbbbbbbbbb"]]));
    assert.equal(config.awsLocalAddress, "10.0.1.11");
  });

  it("writes nothing else, readable by the agent's group and by nobody else", async (t) => {
    const boot = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb"), "yes");
    await boot.run();
    assert.deepEqual(await readdir(boot.folder), ["agent.env"]);
    const [file, folder] = await Promise.all([stat(boot.file), stat(boot.folder)]);
    assert.equal(file.mode & 0o777, 0o640);
    assert.equal(file.gid, folder.gid);
  });

  it("writes a file that the Stasis app accepts where it has settings, with a folder for its campaigns, and leaves an operator's own alone", async (t) => {
    const app = "# Written at every boot.\nAPP_LISTEN=10.0.1.10:8092\nAPP_SINK=sns\nAPP_SNS_TOPICS=*=arn:aws:sns:eu-central-1:123456789012:calls.fifo\nAPP_TRUNK_LIMITS=carrier=20/200,*=5/50";
    const boot = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb"), "yes", 60, app);
    await boot.run();
    assert.deepEqual((await readdir(boot.folder)).sort(), ["agent.env", "campaigns", "stasis-app.env"]);
    const file = join(boot.folder, "stasis-app.env");
    assert.equal((await stat(file)).mode & 0o777, 0o640);
    const settings = parseSettings(readVariables({ AGENT_ENV_FILE: boot.file, APP_ENV_FILE: file }));
    assert.deepEqual([settings.NODE_ID, settings.APP_LISTEN, settings.APP_SNS_TOPICS.size, settings.APP_TRUNK_LIMITS.size], ["node-a", { host: "10.0.1.10", port: 8092 }, 1, 2]);

    const other = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb"), "yes");
    await writeFile(join(other.folder, "stasis-app.env"), "APP_SINK=file\n");
    await other.run();
    assert.equal(await readFile(join(other.folder, "stasis-app.env"), "utf8"), "APP_SINK=file\n");
  });

  it("waits for a tag that is not there yet", async (t) => {
    const boot = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb", 1), "yes");
    await boot.run();
    assert.match(await readFile(boot.file, "utf8"), /^PEER_INSTANCES=node-b=i-0bbbbbbbbbbbbbbbb$/m);
  });

  it("leaves the old file alone when the tag never comes, and fails loudly", async (t) => {
    const boot = await machine(await scratch(t), NODE_SETTINGS, await metadata(t, null), "yes", 0);
    await writeFile(boot.file, "OLD=1\n");
    await assert.rejects(boot.run(), /PeerInstances did not appear/);
    assert.equal(await readFile(boot.file, "utf8"), "OLD=1\n");
    assert.deepEqual(await readdir(boot.folder), ["agent.env"]);
  });

  it("writes the file again with the peer of the moment when it is run again", async (t) => {
    const folder = await scratch(t);
    const before = await machine(folder, NODE_SETTINGS, await metadata(t, "node-b=i-0bbbbbbbbbbbbbbbb"), "yes");
    await before.run();
    const script = join(folder, "user-data");
    await run(script, { env: { PATH: await pathWithCurl(folder), AGENT_ENV_FILE: before.file, AWS_EC2_METADATA_SERVICE_ENDPOINT: await metadata(t, "node-b=i-0cccccccccccccccc") } });
    assert.match(await readFile(before.file, "utf8"), /^PEER_INSTANCES=node-b=i-0cccccccccccccccc$/m);
  });

  it("asks for no peers on a witness, whose file the agent accepts, too", async (t) => {
    const boot = await machine(await scratch(t), WITNESS_SETTINGS, "http://127.0.0.1:9", "no");
    await boot.run();
    const { values } = readEnvFile({ AGENT_ENV_FILE: boot.file }, boot.folder);
    assert.deepEqual(values, WITNESS_SETTINGS);
    assert.equal(loadConfig({ file: values, process: {} }, "0.0.0").core.kind, "witness");
  });

  it("asks for all nodes' instances on a witness that starts a stopped standby", async (t) => {
    const boot = await machine(await scratch(t), { ...WITNESS_SETTINGS, ...COLD_SETTINGS }, await metadata(t, "node-a=i-0aaaaaaaaaaaaaaaa,node-b=i-0bbbbbbbbbbbbbbbb"), "yes");
    await boot.run();
    const { values } = readEnvFile({ AGENT_ENV_FILE: boot.file }, boot.folder);
    const { core, coldStandby } = loadConfig({ file: values, process: {} }, "0.0.0");
    assert.deepEqual([core.kind, core.coldStandby, core.witnesses, [...(coldStandby?.peerInstances ?? [])].length], ["witness", true, ["witness-d"], 2]);
  });

  it("is tried here with every setting that the module can write, and each is a knob that its member has", async () => {
    const environment = (await readModule("pair")).texts.get("environment.tf") ?? "";
    const [forNodes = "", forWitnesses = ""] = environment.split(/^ {2}witness_settings = \{$/m);
    const names = (text: string): readonly string[] => [...text.matchAll(/^\s+([A-Z][A-Z0-9_]+)\s+=|\{ ([A-Z][A-Z0-9_]+) =/gm)].map(([, first, second]) => first ?? second ?? "");
    const common = names(forNodes.slice(0, forNodes.indexOf("node_settings = {")));
    // REFERENCE_PUBLIC is written in place of AWS_LOCAL_ADDRESS, where there are endpoints.
    assert.deepEqual([...new Set(names(forNodes))].filter((name) => name !== "REFERENCE_PUBLIC").sort(), Object.keys(NODE_SETTINGS).sort());
    assert.deepEqual([...new Set([...common, ...names(forWitnesses)])].sort(), Object.keys({ ...WITNESS_SETTINGS, ...COLD_SETTINGS }).sort());
    const isKnob = (name: string): name is KnobName => (KNOB_NAMES as readonly string[]).includes(name);
    for (const name of [...names(forNodes), ...names(forWitnesses)]) assert.ok(isKnob(name), `${name} is no knob`);
    for (const name of Object.keys(WITNESS_SETTINGS)) assert.ok(isKnob(name) && knobRow(name).on !== "node", `${name} is not for a witness`);
    const required = KNOB_NAMES.filter((name) => knobRow(name).default === undefined);
    for (const name of required) assert.ok(name in NODE_SETTINGS || name === "PEER_INSTANCES", `nobody sets ${name}`);
    for (const name of required.filter((one) => knobRow(one).on !== "node")) assert.ok(name in WITNESS_SETTINGS, `nobody sets ${name} on a witness`);
  });

  it("installs, compiles, clones and prints nothing, and fetches from this machine's metadata only", async () => {
    const text = await readFile(TEMPLATE, "utf8");
    assert.doesNotMatch(text, /apt|dnf|yum|wget|git |make|npm|set -[a-z]*x|secretsmanager|get-secret/);
    for (const [line] of text.matchAll(/^.*curl.*$/gm)) assert.match(line, /"\$metadata\//);
  });

  it("survives a shell's pedant", async (t) => {
    const folder = await scratch(t);
    const script = join(folder, "script.sh");
    await writeFile(script, boothook({ asks_for_peers: "yes", app_settings: "", settings: lines(NODE_SETTINGS) }));
    await run("sh", ["-n", script]);
  });
});
