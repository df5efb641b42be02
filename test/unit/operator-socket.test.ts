import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCli } from "../../agent/cli/run.ts";
import { OPERATOR_SOCKET, OperatorSocket } from "../../agent/operator-socket.ts";
import type { OperatorCommand } from "../../agent/core/operator-command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Bench {
  readonly path: string;
  readonly heard: OperatorCommand[];
  readonly said: string[];
  /** Runs nodectl; resolves with its exit code. */
  readonly nodectl: (...args: string[]) => Promise<number>;
}

async function withSocket(story: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const path = join(folder.path, OPERATOR_SOCKET);
  const heard: OperatorCommand[] = [];
  const said: string[] = [];
  const socket = new OperatorSocket(path, (command) => { heard.push(command); });
  await socket.start();
  const say = (line: string): void => { said.push(line); };
  try {
    await story({ path, heard, said, nodectl: (...args) => runCli(args, { out: say, err: say, colour: false, width: 80, env: { STATE_DIR: folder.path } }) });
  } finally {
    await socket.close();
    await folder.remove();
  }
}

/** Sends raw text and resolves with the answer. */
function raw(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(path, () => { socket.write(text); });
    socket.setEncoding("utf8").on("data", (part: string) => { answer += part; }).on("end", () => { resolve(answer); }).on("error", reject);
  });
}

describe("an operator's word", () => {
  it("reaches the agent through nodectl, each verb as its command", async () => {
    await withSocket(async ({ nodectl, heard, said }) => {
      assert.equal(await nodectl("pause", "--reason", "maintenance", "--for", "2h"), 0);
      assert.equal(await nodectl("resume"), 0);
      assert.equal(await nodectl("ack"), 0);
      assert.equal(await nodectl("drain", "--for", "10m", "--reason", "new kernel"), 0);
      assert.equal(await nodectl("undrain", "--json"), 0);
      assert.deepEqual(heard, [{ kind: "pause", reason: "maintenance", forMs: 7_200_000 }, { kind: "resume" }, { kind: "acknowledge" }, { kind: "drain", reason: "new kernel", forMs: 600_000 }, { kind: "undrain" }]);
      assert.match(said[0] ?? "", /paused in the whole cluster/);
    });
  });

  it("is refused with the field's name when it makes no sense, and changes nothing", async () => {
    await withSocket(async ({ path, nodectl, heard, said }) => {
      assert.equal(await nodectl("drain", "--for", "9d"), 1);
      assert.match(said.join("\n"), /forMs/);
      assert.equal(await nodectl("pause", "--for", "soon"), 2);
      assert.match(said.join("\n"), /90s, 10m, 2h or 1d/);
      for (const line of ["not json\n", "null\n", '{"kind":"claim"}\n', "x".repeat(5_000)]) assert.match(await raw(path, line), /"ok":false/);
      assert.deepEqual(heard, []);
    });
  });

  it("is for those only whom the file system lets in, and a socket that was left behind is no obstacle", async () => {
    await withSocket(async ({ path }) => {
      assert.equal((await stat(path)).mode & 0o777, 0o660);
      const next = new OperatorSocket(path, () => undefined);
      await next.start();
      await next.close();
    });
  });

  it("says how to find the agent when none answers", async () => {
    const said: string[] = [];
    const say = (line: string): void => { said.push(line); };
    assert.equal(await runCli(["ack", "--socket", "/nowhere/agent.sock"], { out: say, err: say, colour: false, width: 80, env: {} }), 1);
    assert.match(said.join("\n"), /No agent answers at \/nowhere\/agent\.sock/);
  });
});
