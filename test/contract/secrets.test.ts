/** Both secret sources keep the contract; and neither lets a secret slip into an error. */
import assert from "node:assert/strict";
import { chmod, chown, mkdir, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { FileSecrets } from "../../agent/adapters/file-secrets.ts";
import { SecretsManagerSecrets } from "../../agent/adapters/secrets-manager-secrets.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { startEmbeddedAws, type EmbeddedAws } from "../support/aws/aws-server.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeSecretSourceContract, type SecretsWorld } from "./secrets-contract.ts";

const never = new AbortController().signal;

async function embedded(): Promise<SecretsWorld & { readonly aws: EmbeddedAws }> {
  const aws = await startEmbeddedAws({ region: "eu-central-1", instances: [], addresses: [] });
  const restore = pointSdkTo(aws.url);
  const access = awsAccess("node-a");
  const source = new SecretsManagerSecrets({ ...access, secretId: "aicc/node" });
  return {
    aws,
    source,
    put: (text) => Promise.resolve(void aws.lab.putSecret("aicc/node", text)),
    close: async () => {
      source.close();
      restore();
      access.connection.close();
      await aws.close();
    },
  };
}

describeSecretSourceContract("SecretsManagerSecrets, embedded AWS", embedded);

describeSecretSourceContract("FileSecrets", async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, "secret.json");
  let seconds = 1_795_000_000;
  return {
    source: new FileSecrets(path),
    put: async (text) => {
      await writeFile(path, text, { mode: 0o600 });
      seconds += 1;
      await utimes(path, seconds, seconds); // Two edits within one tick of the file system's clock would look alike.
    },
    close: () => folder.remove(),
  };
});

describe("SecretsManagerSecrets", () => {
  it("tells a missing permission, throttling and silence apart in words", async () => {
    const world = await embedded();
    try {
      await world.put("one");
      for (const [outcome, words] of [["deny", /AccessDeniedException/], ["throttle", /ThrottlingException/], ["lose-reply", /AGENT_CLOUD_TIMEOUT/], ["error-500", /InternalServiceError/]] as const) {
        world.aws.lab.addFault({ action: "GetSecretValue", times: 1, outcome });
        assert.match((await rejectsWith("AGENT_SECRET_UNREADABLE", world.source.fetch(never))).message, words);
      }
    } finally {
      await world.close();
    }
  });

  it("refuses a binary secret", async () => {
    const world = await embedded();
    try {
      world.aws.lab.putSecret("aicc/node", null);
      assert.match((await rejectsWith("AGENT_SECRET_UNREADABLE", world.source.fetch(never))).message, /no text/);
    } finally {
      await world.close();
    }
  });

  it("keeps a reply that can't be read out of the error", async () => {
    const server = createServer((_request, response) => response.end('hunter2 {"SecretString":"hunter2"'));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const restore = pointSdkTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const access = awsAccess("node-a");
    try {
      const error = await rejectsWith("AGENT_SECRET_UNREADABLE", new SecretsManagerSecrets({ ...access, secretId: "aicc/node" }).fetch(never));
      assert.doesNotMatch(inspect(error, { depth: Infinity, showHidden: true }), /hunter2/);
    } finally {
      restore();
      access.connection.close();
      server.close();
      server.closeAllConnections();
    }
  });
});

describe("FileSecrets", () => {
  const withFile = async (run: (path: string) => Promise<void>): Promise<void> => {
    const folder = await temporaryFolder();
    try {
      const path = join(folder.path, "secret.json");
      await writeFile(path, "hunter2", { mode: 0o600 });
      await run(path);
    } finally {
      await folder.remove();
    }
  };

  for (const mode of [0o640, 0o604, 0o620, 0o644, 0o601]) {
    it(`refuses a file of mode 0${mode.toString(8)}, and says what to do`, () =>
      withFile(async (path) => {
        await chmod(path, mode);
        const error = await rejectsWith("AGENT_SECRET_UNREADABLE", new FileSecrets(path).fetch(never));
        assert.match(error.message, /chmod 600/);
        assert.doesNotMatch(inspect(error), /hunter2/);
      }));
  }

  it("reads a file that not even its owner may write", () =>
    withFile(async (path) => {
      await chmod(path, 0o400);
      assert.equal((await new FileSecrets(path).fetch(never)).text, "hunter2");
    }));

  it("refuses a file of another user", { skip: process.getuid?.() === 0 ? false : "only root can give a file away" }, () =>
    withFile(async (path) => {
      await chown(path, 12_345, 12_345);
      assert.match((await rejectsWith("AGENT_SECRET_UNREADABLE", new FileSecrets(path).fetch(never))).message, /12345/);
    }));

  it("refuses a folder", () =>
    withFile(async (path) => {
      await mkdir(`${path}.d`);
      await rejectsWith("AGENT_SECRET_UNREADABLE", new FileSecrets(`${path}.d`).fetch(never));
    }));
});
