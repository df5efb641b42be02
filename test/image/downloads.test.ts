// What an image is made of comes from other people's servers. Here such a server is a folder, and its keys are made for the test: a
// download is believed only with the pinned hash and a good signature by the pinned key.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ensureImageTools } from "../support/image/image.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { run, type RunResult } from "../support/lab/run.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SSM = "https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent/1.2.3/debian_arm64/amazon-ssm-agent.deb";
const CLOUDWATCH = "https://amazoncloudwatch-agent.s3.amazonaws.com/ubuntu/arm64/4.5.6/amazon-cloudwatch-agent.deb";
const CLOUDWATCH_KEY = "https://amazoncloudwatch-agent.s3.amazonaws.com/assets/amazon-cloudwatch-agent.gpg";
const RELEASE = "https://downloads.asterisk.org/pub/telephony/asterisk/releases/asterisk-7.8.9.tar.gz";

/** In curl's place: https addresses are files of a folder. */
const CURL = `#!/bin/sh
output= url=
while [ $# -gt 0 ]; do
  case $1 in --output) output=$2; shift ;; --retry | --max-time) shift ;; https://*) url=$1 ;; esac
  shift
done
echo "$url" >> "$SERVED/asked"
cp "$SERVED/$(echo "$url" | tr / _)" "$output"
`;

const LIBRARY = "https://raw.githubusercontent.com/asterisk/third-party/master/pjproject/2.1/pjproject-2.1.tar.bz2";

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

/** Packer's host scripts, with pins and a server of the test's own. */
class World {
  readonly folder: string;
  readonly pins: Record<string, string> = {};

  constructor(folder: string) {
    this.folder = folder;
  }

  get served(): string {
    return join(this.folder, "served");
  }

  async open(): Promise<void> {
    await cp(join(REPOSITORY, "packer/host"), join(this.folder, "packer/host"), { recursive: true });
    for (const name of ["packer/keys", "served", "bin", "cache", "out"]) await mkdir(join(this.folder, name));
    await writeFile(join(this.folder, "bin/curl"), CURL, { mode: 0o755 });
  }

  /** Makes a key; resolves with its fingerprint. `at`: when it is made, to live for a day. */
  async key(name: string, at = ""): Promise<string> {
    await mkdir(join(this.folder, name), { mode: 0o700 });
    await this.gpg(name, at, ["--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", at === "" ? "never" : "1d"]);
    return /^fpr:+([0-9A-F]{40}):/m.exec((await this.gpg(name, "", ["--with-colons", "--list-keys"])).stdout)?.[1] ?? "";
  }

  async exported(name: string): Promise<string> {
    return (await this.gpg(name, "", ["--armor", "--export"])).stdout;
  }

  gpg(name: string, at: string, args: readonly string[]): Promise<RunResult> {
    const when = at === "" ? [] : ["--faked-system-time", at];
    return run("gpg", ["--homedir", join(this.folder, name), "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", ...when, ...args]);
  }

  async serve(url: string, content: string | Buffer, signer?: string, at = ""): Promise<void> {
    const file = join(this.served, url.replaceAll("/", "_"));
    await writeFile(file, content);
    if (signer !== undefined) await this.gpg(signer, at, ["--output", `${file}.${url.endsWith(".deb") ? "sig" : "asc"}`, "--detach-sign", file]);
  }

  /** A release of Asterisk, as far as fetching looks into it. */
  async release(library: string): Promise<Buffer> {
    const bundled = join(this.folder, "asterisk-7.8.9/third-party/pjproject");
    await mkdir(bundled, { recursive: true });
    await writeFile(join(bundled, "../versions.mak"), "PJPROJECT_VERSION=2.1\n");
    await writeFile(join(bundled, "pjproject-2.1.tar.bz2.md5"), `${createHash("md5").update(library).digest("hex")}  pjproject-2.1.tar.bz2\n`);
    await run("tar", ["--create", "--gzip", "--directory", this.folder, "--file", join(this.folder, "release.tar.gz"), "asterisk-7.8.9"]);
    return readFile(join(this.folder, "release.tar.gz"));
  }

  async fetch(script: string, ...args: readonly string[]): Promise<RunResult> {
    await writeFile(join(this.folder, "packer/versions.env"), Object.entries(this.pins).map(([name, value]) => `${name}=${value}\n`).join(""));
    return run("env", [`PATH=${join(this.folder, "bin")}:${process.env["PATH"] ?? ""}`, `SERVED=${this.served}`, `LAB_CACHE_DIR=${join(this.folder, "cache")}`, join(this.folder, "packer/host", script), ...args], { accept: [1], timeoutMs: 60_000 });
  }

  async asked(): Promise<number> {
    return (await readFile(join(this.served, "asked"), "utf8").catch(() => "")).split("\n").length - 1;
  }

  /** What gpg leaves running for each of its folders. */
  async close(names: readonly string[]): Promise<void> {
    for (const name of names) await run("gpgconf", ["--homedir", join(this.folder, name), "--kill", "all"]);
  }
}

describe("what an image is made of", { timeout: 300_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let world: World;
  const keys = ["amazon", "stranger", "bygone", "asterisk"];

  before(async () => {
    await ensureImageTools((line) => process.stderr.write(`image: ${line}\n`));
    folder = await temporaryFolder();
    world = new World(folder.path);
    await world.open();
    const amazon = await world.key("amazon");
    await world.key("stranger");
    Object.assign(world.pins, {
      SSM_AGENT_VERSION: "1.2.3", SSM_AGENT_SHA256_ARM64: sha256("ssm"), SSM_AGENT_SIGNING_KEY: await world.key("bygone", "20240101T000000"),
      CLOUDWATCH_AGENT_VERSION: "4.5.6", CLOUDWATCH_AGENT_SHA256_ARM64: sha256("cloudwatch"), CLOUDWATCH_AGENT_SIGNING_KEY: amazon,
      ASTERISK_VERSION: "7.8.9", ASTERISK_SIGNING_KEY: await world.key("asterisk"),
    });
    await writeFile(join(folder.path, "packer/keys/ssm-agent.asc"), await world.exported("bygone"));
    await writeFile(join(folder.path, "packer/keys/asterisk-release.asc"), await world.exported("asterisk"));
    // A key more in the file that comes over the net makes that key no more believed.
    await world.serve(CLOUDWATCH_KEY, (await world.exported("stranger")) + (await world.exported("amazon")));
    await world.serve(SSM, "ssm", "bygone", "20240101T120000");
    await world.serve(CLOUDWATCH, "cloudwatch", "amazon");
  });

  after(async () => {
    await world.close(keys);
    await folder.remove();
  });

  /** Fetches Amazon's agents, which must fail with these words and leave no package behind that was not believed. */
  async function refused(words: RegExp): Promise<string> {
    const { code, stderr } = await world.fetch("fetch-aws-agents.sh", join(folder.path, "out"), "arm64");
    assert.equal(code, 1, stderr);
    assert.match(stderr, words);
    return stderr;
  }

  it("has no agent of Amazon's that another key has signed, though that key came with the right one", async () => {
    await world.serve(CLOUDWATCH, "cloudwatch", "stranger");
    await refused(/^amazon-cloudwatch-agent\.deb has no good signature by the pinned key [0-9A-F]{40}\.$/m);
    await world.serve(CLOUDWATCH, "another", undefined);
    await refused(/^amazon-cloudwatch-agent\.deb has no good signature/m);
    await world.serve(CLOUDWATCH, "cloudwatch", "amazon");
  });

  it("has no agent that is not the pinned one, and says which line of versions.env is about it", async () => {
    const pinned = world.pins["CLOUDWATCH_AGENT_SHA256_ARM64"] ?? "";
    world.pins["CLOUDWATCH_AGENT_SHA256_ARM64"] = sha256("what it was");
    await refused(new RegExp(`is signed by Amazon's key, but is not the package .*CLOUDWATCH_AGENT_SHA256_ARM64=${sha256("what it was")}.* has ${pinned}\\.`));
    world.pins["CLOUDWATCH_AGENT_VERSION"] = "9.9.9";
    await refused(/amazon-cloudwatch-agent 9\.9\.9 can't be downloaded .*CLOUDWATCH_AGENT_VERSION and CLOUDWATCH_AGENT_SHA256_ARM64/);
    Object.assign(world.pins, { CLOUDWATCH_AGENT_VERSION: "4.5.6", CLOUDWATCH_AGENT_SHA256_ARM64: pinned });
  });

  it("prints the hashes of a version that was just raised once their signatures are found good, and builds nothing of them yet", async () => {
    const pins = { ...world.pins };
    Object.assign(world.pins, { SSM_AGENT_SHA256_ARM64: "unset", CLOUDWATCH_AGENT_SHA256_ARM64: "unset" });
    const said = await refused(/^The signatures are good\. Pin these packages in packer\/versions\.env, and build again:$/m);
    assert.ok(said.includes(`\nSSM_AGENT_SHA256_ARM64=${sha256("ssm")}\nCLOUDWATCH_AGENT_SHA256_ARM64=${sha256("cloudwatch")}\n`), said);
    assert.deepEqual((await readdir(join(folder.path, "out"))).filter((name) => name.includes("cloudwatch")), []);
    Object.assign(world.pins, pins);
  });

  it("has the agents whose hash and signature are right, a key that has expired since among them, and asks for them once", async () => {
    const { code, stderr } = await world.fetch("fetch-aws-agents.sh", join(folder.path, "out"), "arm64");
    assert.equal(code, 0, stderr);
    for (const [name, text] of [["amazon-ssm-agent", "ssm"], ["amazon-cloudwatch-agent", "cloudwatch"]] as const) assert.equal(await readFile(join(folder.path, "out", `${name}.deb`), "utf8"), text);
    const asked = await world.asked();
    assert.equal((await world.fetch("fetch-aws-agents.sh", join(folder.path, "out"), "arm64")).code, 0);
    assert.equal(await world.asked(), asked, "kept packages are checked against their pin, not fetched again");
  });

  it("has no Asterisk without the pinned hash, the project's signature, and the SIP library that it names", async () => {
    const output = join(folder.path, "out/asterisk.tar.gz");
    const asterisk = (): Promise<RunResult> => world.fetch("fetch-asterisk-release.sh", output);
    const archive = await world.release("library");
    world.pins["ASTERISK_SHA256"] = sha256(archive);
    assert.match((await asterisk()).stderr, /Asterisk 7\.8\.9 can't be downloaded\..*set ASTERISK_TARBALL/);
    await world.serve(RELEASE, "something else", "asterisk");
    assert.match((await asterisk()).stderr, /is not what versions\.env pins/);
    await world.serve(RELEASE, archive, "stranger");
    assert.match((await asterisk()).stderr, /^asterisk-7\.8\.9\.tar\.gz has no good signature by the pinned key/m);
    await world.serve(RELEASE, archive, "asterisk");
    await world.serve(LIBRARY, "another library");
    assert.match((await asterisk()).stderr, /The SIP library is not the one that Asterisk 7\.8\.9 names/);
    await world.serve(LIBRARY, "library");
    assert.equal((await asterisk()).code, 0);
    assert.deepEqual(await readFile(output), archive);
  });

  it("is signed by keys that this repository holds, under the pinned fingerprints", async () => {
    const pins = await readFile(join(REPOSITORY, "packer/versions.env"), "utf8");
    for (const [file, name] of [["ssm-agent.asc", "SSM_AGENT_SIGNING_KEY"], ["asterisk-release.asc", "ASTERISK_SIGNING_KEY"]] as const) {
      const { stdout } = await run("gpg", ["--homedir", folder.path, "--batch", "--with-colons", "--show-keys", join(REPOSITORY, "packer/keys", file)]);
      const [, fingerprint] = /^fpr:+([0-9A-F]{40}):/m.exec(stdout) ?? [];
      assert.ok(fingerprint !== undefined && pins.includes(`\n${name}=${fingerprint}\n`), `${file}: ${fingerprint}`);
    }
  });
});
