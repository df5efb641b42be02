// The last script of a build is the only one that says no. Here it looks at the finished image, and at one in which everything
// is wrong that it promises to find.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { ensureImage } from "../support/image/image.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { run, type RunResult } from "../support/lab/run.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What is done to the image (as root in it), and what validate.sh must say of that. */
const WRONGS: readonly (readonly [deed: string, sentence: string])[] = [
  ["rm /usr/lib/asterisk/modules/res_srtp.so", "res_srtp.so is there"],
  ["rm /usr/lib/asterisk/modules/res_pjsip_maintenance.so", "res_pjsip_maintenance.so is there"],
  ["sed -i '/^PJ_IOQUEUE/s/[0-9]*$/5000/; s/^MENUSELECT_CFLAGS=/&BUILD_NATIVE /' /usr/share/asterisk/build-options", "the SIP library has the raised limit of handles"],
  [":", "Asterisk was not built for one processor type only"],
  [": > /etc/odbcinst.ini", "the MariaDB driver is registered with ODBC"],
  ["echo 'throw new Error();' > /usr/lib/asterisk-node-agent/dist/main.js", "the agent's bundle starts and asks for its configuration"],
  ["systemctl disable --quiet asterisk.service", "asterisk.service starts at boot"],
  ["echo 'After=multi-user.target' >> /etc/systemd/system/node-path.timer", "the units are well-formed"],
  ["echo 'open everything' >> /etc/nftables.conf", "the firewall's rules are accepted"],
  ["echo '[' > /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json", "the CloudWatch agent's configuration is JSON"],
  ["sed -i '/^asterisk:/s,[^:]*$,/bin/bash,' /etc/passwd", "asterisk can't log in"],
  ["sed -i 's/^root:[^:]*/root:/' /etc/shadow", "no account has a password"],
  ["chmod 755 /etc/asterisk", "/etc/asterisk is the agent's, readable for Asterisk"],
  ["chown -R node-agent /usr/lib/asterisk-node-agent/asterisk-config", "the agent's code is root's"],
  ["chmod o+w /etc/hosts", "no file outside /tmp is writable for everybody"],
  ["echo 0123456789abcdef0123456789abcdef > /etc/machine-id", "there is no machine id"],
  ["echo NODE_ID=node-a > /etc/asterisk-node-agent/agent.env", "there is no configuration of a node"],
  ["mkdir -p /root/.ssh && touch /root/.ssh/authorized_keys", "there are no SSH keys"],
  ["printf -- '-----BEGIN %s KEY-----\\n' PRIVATE > /opt/key.pem", "there are no private keys"],
  ["printf 'key=AK%s0123456789ABCDEF\\n' IA > /root/settings", "there are no AWS credentials"],
  ["echo ls > /root/.bash_history", "there is no shell history"],
  ["ln -s /usr/bin/true /usr/bin/gcc", "there is no compiler and no package installer of Node's"],
];

/** Runs validate.sh as the build does, on a copy of the image in memory to which `deeds` were done. */
async function validate(image: string, deeds: string): Promise<RunResult> {
  const script = `
    at=$3
    mount -t tmpfs -o mode=755 validate "$at"
    mkdir "$at/upper" "$at/work" "$at/root" "$at/stage" "$at/out"
    mount -t overlay -o "lowerdir=$1,upperdir=$at/upper,workdir=$at/work" overlay "$at/root"
    env -i PATH=/usr/sbin:/usr/bin chroot "$at/root" bash -ec "$2"
    # What the build was told is what the image says of itself.
    set -a
    . "$at/root/etc/asterisk-node-image"
    ASTERISK_BUILD_VERSION=$ASTERISK_VERSION ROOT=$at/root STAGE_DIR=$at/stage OUT_DIR=$at/out
    exec packer/host/in-root.sh packer/scripts/validate.sh`;
  const folder = await temporaryFolder();
  try {
    return await run("unshare", ["--mount", "--propagation", "private", "env", "-C", REPOSITORY, "bash", "-euc", script, "bash", image, deeds, folder.path], { timeoutMs: 180_000, accept: [1] });
  } finally {
    await folder.remove();
  }
}

describe("packer/scripts/validate.sh", { timeout: 3_600_000 }, () => {
  let image = "";
  before(async () => {
    image = await ensureImage();
  });

  it("is content with the finished image", async () => {
    const { code, stdout, stderr } = await validate(image, ":");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /the image is as it should be/);
  });

  it("names everything that is wrong, and makes no image of that", async () => {
    const { code, stderr } = await validate(image, WRONGS.map(([deed]) => deed).join("\n"));
    assert.equal(code, 1, stderr);
    const missed = WRONGS.map(([, sentence]) => sentence).filter((sentence) => !stderr.includes(`NOT TRUE: ${sentence}\n`));
    assert.deepEqual(missed, [], stderr);
    assert.match(stderr, /^validate: \d+ assertion\(s\) are not true of this image\.$/m);
  });

  it("says no to versions that were not asked for", async () => {
    const { code, stderr } = await validate(image, "sed -i 's/^\\(ASTERISK_VERSION\\|NODE_VERSION\\|AGENT_VERSION\\)=.*/\\1=0.0.0/' /etc/asterisk-node-image");
    assert.equal(code, 1, stderr);
    for (const sentence of ["Asterisk is the version that was asked for", "Node.js is the pinned version", "the agent is the version that was built"]) assert.ok(stderr.includes(`NOT TRUE: ${sentence}\n`), `${sentence}\n${stderr}`);
  });
});
