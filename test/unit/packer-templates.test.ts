// What the files under packer/ promise, read as text: pins, order, fences. What they do is shown by building and booting
// (test/image/image.test.ts).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";

const PACKER = join(import.meta.dirname, "../../packer");
const read = (path: string): string => readFileSync(join(PACKER, path), "utf8");
const files = (folder: string): readonly string[] =>
  readdirSync(join(PACKER, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(PACKER.length + 1)).sort();
const pins = new Map(read("versions.env").split("\n").filter((line) => /^\w+=/.test(line)).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const));
const unit = (name: string): string => read(`rootfs/etc/systemd/system/${name}.service`);

describe("packer/versions.env", () => {
  it("pins every download by a hash, and by the key that signs it where somebody does", () => {
    for (const [name, value] of pins) {
      if (name.includes("SHA256")) assert.match(value, /^[0-9a-f]{64}$/, name);
      if (name.includes("INTEGRITY")) assert.match(value, /^sha512-[A-Za-z0-9+/]{86}==$/, name);
      if (name.endsWith("SIGNING_KEY")) assert.match(value, /^[0-9A-F]{40}$/, name);
    }
    for (const name of ["SSM_AGENT", "CLOUDWATCH_AGENT"]) for (const pin of ["VERSION", "SHA256_AMD64", "SHA256_ARM64", "SIGNING_KEY"]) assert.ok(pins.has(`${name}_${pin}`), `${name}_${pin}`);
    for (const name of ["ASTERISK_SHA256", "ASTERISK_SIGNING_KEY", "ASTERISK_LOCAL_SHA256", "ASTERISK_DEBIAN_SHA256", "PJPROJECT_DEBIAN_SHA256"]) assert.ok(pins.has(name), name);
  });

  it("is the only place that names a version", () => {
    const versions = ["ASTERISK_VERSION", "ASTERISK_LOCAL_VERSION", "NODE_VERSION", "SSM_AGENT_VERSION", "CLOUDWATCH_AGENT_VERSION"].map((name) => pins.get(name) ?? "");
    for (const file of [...files("scripts"), ...files("host"), ...files("rootfs"), "build.pkr.hcl", "sources.pkr.hcl", "amazon-ebs.pkr.hcl", "variables.pkr.hcl"]) {
      for (const version of versions) assert.ok(version !== "" && !read(file).includes(version), `${file} names ${version}`);
    }
  });

  it("asks for an LTS of Node.js that the AWS SDK supports for years", () => {
    assert.match(pins.get("NODE_VERSION") ?? "", /^24\./);
  });
});

describe("the build", () => {
  const build = read("build.pkr.hcl");
  const listed = [...build.matchAll(/scripts\/([a-z-]+\.sh)"/g)].map((match) => match[1]);

  it("runs every script, and the same list in the same order for both sources", () => {
    assert.deepEqual([...listed].sort(), readdirSync(join(PACKER, "scripts")).sort());
    assert.equal([...build.matchAll(/scripts\s+= local\.scripts/g)].length, 2);
    assert.deepEqual(listed.slice(-2), ["cleanup.sh", "validate.sh"], "what is validated is what becomes the image");
  });

  it("stops at the first failing line of any script, and prints no command with its values", () => {
    for (const file of [...files("scripts"), ...files("host")].filter((name) => name.endsWith(".sh"))) {
      if (file === "host/lib.sh") continue;
      assert.match(read(file), /^set -(euo|uo) pipefail$/m, file);
      assert.doesNotMatch(read(file), /^\s*set -\w*x|bash -x/m, `${file} would log what it handles`);
    }
  });

  it("downloads on the machine being provisioned nothing but packages of its distribution", () => {
    for (const file of files("scripts")) assert.doesNotMatch(read(file).replace(/^\s*#.*$/gm, ""), /\b(curl|wget) -|https:|npm (install|ci|pack)/, file);
  });

  it("fetches over https only, and nothing on the node at boot", () => {
    for (const file of [...files("scripts"), ...files("host")]) assert.doesNotMatch(read(file), /http:\/\//, file);
    for (const file of files("rootfs")) assert.doesNotMatch(read(file), /\b(curl|wget|git clone|npm (install|ci)|apt-get)\b/, file);
  });

  it("starts from Debian's own image, over metadata service version 2, and opens SSH to nobody else", () => {
    const source = read("amazon-ebs.pkr.hcl");
    assert.match(source, /owners\s+= \["136693071363"\]/);
    assert.match(source, /http_tokens\s+= "required"/);
    assert.match(source, /imds_support\s+= "v2\.0"/);
    assert.match(source, /encrypt_boot\s+= true/);
    assert.match(source, /temporary_security_group_source_cidrs\s+= \[var\.build_from_cidr\]/);
    assert.doesNotMatch(source + read("variables.pkr.hcl"), /0\.0\.0\.0\/0/);
  });

  it("says in the manifest what the image's tags say, the base image that it really started from among it", () => {
    const [ebs = "", rootfs = ""] = [...build.matchAll(/post-processor "manifest" \{.*?\n {2}\}/gs)].map(([block]) => block);
    assert.match(ebs, /only\s+= \["amazon-ebs\.node"\].*merge\(local\.made_of, \{ BaseImage = build\.SourceAMI, BaseImageName = build\.SourceAMIName \}\)/s);
    assert.match(rootfs, /only\s+= \["null\.rootfs"\].*merge\(local\.made_of, \{ BaseImage = var\.rootfs_base \}\)/s);
    assert.match(read("amazon-ebs.pkr.hcl"), /^ {2}tags\s+= merge\(local\.made_of, .*BaseImage = "\{\{ \.SourceAMI \}\}", BaseImageName = "\{\{ \.SourceAMIName \}\}"/m);
    for (const word of ["AsteriskVersion", "AsteriskSha256", "AgentVersion", "NodeVersion", "GitRevision"]) assert.match(read("sources.pkr.hcl"), new RegExp(`^ {4}${word}\\s+=`, "m"));
  });

  it("gives an old Packer the templates without what it doesn't know", () => {
    const old = execFileSync("awk", ["-f", join(PACKER, "host/print-for-old-packer.awk"), join(PACKER, "amazon-ebs.pkr.hcl")], { encoding: "utf8" });
    assert.doesNotMatch(old, /metadata_options|imds_support|http_tokens|^ {2}}\n\n {2}}/m);
    assert.match(old, /encrypt_boot/);
    assert.equal(old.split("{").length, old.split("}").length, "its braces are balanced");
    assert.match(read("plugins.pkr.hcl"), /required_plugins/);
  });
});

describe("the image's units", () => {
  it("run Asterisk and the agent as two users, neither of them root, and fenced in", () => {
    assert.match(unit("asterisk"), /^Type=notify$/m);
    assert.match(unit("asterisk"), /^User=asterisk$/m);
    assert.match(unit("node-pm2"), /^User=node-agent$/m);
    assert.match(unit("node-render"), /^User=node-agent$/m);
    for (const name of ["asterisk", "node-pm2", "node-render"]) for (const line of ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="]) assert.ok(unit(name).split("\n").includes(line), `${name} lacks ${line}`);
  });

  it("start Asterisk after its configuration was rendered, and with the last one when it can't be", () => {
    assert.match(unit("asterisk"), /^After=.*\bnode-render\.service\b/m);
    assert.match(unit("asterisk"), /^Wants=.*\bnode-render\.service\b/m);
    assert.doesNotMatch(unit("asterisk"), /^Requires=/m);
    assert.match(unit("node-render"), /^ExecStart=\/usr\/bin\/nodectl render$/m);
  });

  it("don't hold the agent back until Asterisk is up: its absence is what the agent is there to tell", () => {
    assert.doesNotMatch(unit("node-pm2"), /^(After|Requires|Wants)=.*asterisk\.service/m);
  });

  it("wait for user data, and never for the stages of cloud-init that wait for them", () => {
    for (const name of ["node-render", "node-members", "node-path", "node-pm2"]) {
      assert.match(unit(name), /^After=.*\bcloud-init\.service\b.*\bcloud-init-network\.service\b/m, name);
      assert.doesNotMatch(unit(name), /cloud-(final|config)/, name);
    }
  });

  it("give the node its own path to AWS before anything asks AWS, and again when something has taken it away", () => {
    for (const name of ["node-render", "node-pm2"]) {
      assert.match(unit(name), /^After=.*\bnode-path\.service\b/m, name);
      assert.match(unit(name), /^Wants=.*\bnode-path\.service\b/m, name);
    }
    assert.match(read("rootfs/etc/systemd/system/node-path.timer"), /^OnUnitInactiveSec=15s$/m);
  });

  it("leave pm2 longer to stop than pm2 leaves the agent", async () => {
    const { apps } = (await import(join(PACKER, "../ecosystem.config.js"))) as { readonly apps: readonly { readonly kill_timeout: number }[] };
    const stopS = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit("node-pm2"))?.[1]);
    assert.ok(stopS * 1000 > Math.max(...apps.map((app) => app.kill_timeout)), `${stopS} s`);
  });
});

describe("the agent's socket in the image", () => {
  it("belongs to the group that may give orders, which the agent's folder hands on to it", () => {
    assert.match(read("rootfs/etc/sysusers.d/asterisk-node.conf"), /^g asterisk-agent -$[^]*^m node-agent asterisk-agent$/m);
    assert.match(read("rootfs/etc/tmpfiles.d/asterisk-node.conf"), /^d \/var\/lib\/asterisk-node-agent +2750 node-agent asterisk-agent$/m);
  });
});

describe("the image's firewall", () => {
  const rules = read("rootfs/etc/nftables.conf");

  it("drops what it doesn't name, and names neither ARI nor AMI nor the status page nor SSH", () => {
    assert.match(rules, /hook input priority filter; policy drop;/);
    const input = rules.slice(rules.indexOf("chain input"), rules.indexOf("chain forward"));
    for (const port of ["8088", "5038", "8091", "22"]) assert.doesNotMatch(input, new RegExp(`\\b${port}\\b`), port);
  });

  it("opens the heartbeat port to members only", () => {
    assert.match(rules, /tcp dport 8090 ip saddr @members accept/);
    assert.equal([...rules.matchAll(/\b8090\b/g)].length, 1);
  });

  it("opens the Stasis app's port, the one that Terraform opens, to private networks only", () => {
    assert.match(rules, /^ +tcp dport 8092 ip saddr \{ 10\.0\.0\.0\/8, 172\.16\.0\.0\/12, 192\.168\.0\.0\/16 \} accept$/m);
    assert.equal([...rules.matchAll(/\b8092\b/g)].length, 1);
    assert.match(readFileSync(join(PACKER, "../provisioning/terraform/pair/network.tf"), "utf8"), /^ +stasis_app_port = 8092$/m);
  });

  it("keeps Asterisk away from the instance's credentials", () => {
    assert.match(rules, /ip daddr 169\.254\.169\.254 meta skuid "asterisk" reject/);
  });

  it("lets only answers in on the node's own path to AWS, media included", () => {
    const input = rules.slice(rules.indexOf("chain input"), rules.indexOf("chain forward"));
    const [answers, rest, media] = ["ip daddr @own_path ct state established,related accept", "ip daddr @own_path drop", "udp dport 10000-20000 accept"].map((rule) => input.indexOf(rule)) as [number, number, number];
    assert.ok(answers > 0 && answers < rest && rest < media);
    assert.match(read("rootfs/usr/libexec/asterisk-node/admit-members"), /add element inet node own_path/);
  });

  it("opens the same media ports as Asterisk uses", () => {
    const rtp = readFileSync(join(PACKER, "../asterisk-config/rtp.conf"), "utf8");
    const [start, end] = [/^rtpstart = (\d+)$/m, /^rtpend = (\d+)$/m].map((pattern) => pattern.exec(rtp)?.[1] ?? "");
    assert.ok(rules.includes(`udp dport ${start}-${end} accept`));
    const range = /^net\.ipv4\.ip_local_port_range = (\d+) /m.exec(read("rootfs/etc/sysctl.d/60-asterisk-node.conf"));
    assert.ok(Number(range?.[1]) > Number(end), "outgoing connections take no media port");
  });
});

describe("the image's logs", () => {
  const shipped = (JSON.parse(read("rootfs/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json")) as { readonly logs: { readonly logs_collected: { readonly files: { readonly collect_list: readonly { readonly file_path: string; readonly log_group_name: string; readonly log_stream_name: string }[] } } } }).logs.logs_collected.files.collect_list;
  const rotated = [...read("rootfs/etc/logrotate.d/asterisk-node").matchAll(/^(\/\S+) \{$/gm)].map(([, glob = ""]) => glob);

  it("are all rotated: those that are shipped, and those that pm2 writes", async () => {
    const { apps } = (await import(join(PACKER, "../ecosystem.config.js"))) as { readonly apps: readonly { readonly out_file: string; readonly error_file: string }[] };
    for (const file of [...shipped.map(({ file_path }) => file_path), ...apps.flatMap((app) => [app.out_file, app.error_file])]) {
      assert.ok(rotated.some((glob) => dirname(glob) === dirname(file) && basename(file).endsWith(basename(glob).slice(1))), file);
    }
  });

  it("go to log groups that Terraform makes, with an end, each file into a stream of its own", () => {
    const terraform = readFileSync(join(PACKER, "../provisioning/terraform/pair/notifications.tf"), "utf8");
    const groups = /toset\(\[([^\]]+)\]\)/.exec(terraform)?.[1]?.match(/\w+/g) ?? [];
    const prefix = /log_group_prefix = "([^"]+)"/.exec(terraform)?.[1] ?? "";
    assert.ok(groups.length > 0 && prefix !== "");
    for (const { log_group_name } of shipped) assert.ok(groups.some((group) => log_group_name === `${prefix}/${group}`), log_group_name);
    const streams = shipped.map(({ log_group_name, log_stream_name }) => `${log_group_name} ${log_stream_name}`);
    assert.equal(new Set(streams).size, streams.length);
    // No caller's number leaves the node with the logs: events of calls go to their sink only.
    assert.ok(shipped.every(({ file_path }) => !file_path.endsWith(".jsonl") && !file_path.includes("cdr")));
  });
});
