import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { AsteriskControl } from "../../agent/adapters/asterisk-control.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** A control socket that serves each connection as `serve` says. */
async function makeControl(context: TestContext, serve: (socket: Socket) => void): Promise<{ control: AsteriskControl; path: string; sockets: Set<Socket> }> {
  const folder = await temporaryFolder();
  const path = join(folder.path, "asterisk.ctl");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const control = new AsteriskControl(path);
  context.after(async () => {
    control.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await folder.remove();
  });
  return { control, path, sockets };
}

describe("Asterisk's control socket", { timeout: 60_000 }, () => {
  it("is sent the command with a NUL behind it, and its answer is freed of the greeting and of control bytes", async (context) => {
    let received = "";
    const { control } = await makeControl(context, (socket) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        socket.end("host/42/22.10.1\n\x7f\x1b[1;32m2\x1b[0m active channels\r\n");
      });
    });
    assert.equal(await control.run("core show channels count", soon()), "2 active channels\n");
    assert.equal(received, "cli quit after core show channels count\0");
  });

  it("may send its answer in pieces", async (context) => {
    const { control } = await makeControl(context, (socket) => {
      socket.once("data", () => {
        for (const piece of ["ho", "st/42", "/22.10.1", "\n", "a", "b\n"]) socket.write(piece);
        socket.end();
      });
    });
    assert.equal(await control.run("x", soon()), "ab\n");
  });

  it("is no Asterisk when it closes at once or greets otherwise", async (context) => {
    for (const greeting of ["", "220 mail.example ESMTP\n", "host/22.10.1"]) {
      const { control } = await makeControl(context, (socket) => socket.end(greeting));
      await rejectsWith("AGENT_ARI_FAILED", control.run("x", soon()));
    }
  });

  it("is not read without end", async (context) => {
    const { control, sockets } = await makeControl(context, (socket) => {
      socket.write("host/42/22.10.1\n");
      const flood = (): void => {
        while (socket.writable && socket.write("x".repeat(65_536)));
        socket.once("drain", flood);
      };
      flood();
    });
    const error = await rejectsWith("AGENT_ARI_FAILED", control.run("x", soon()));
    assert.match(error.message, /exceeds/);
    await waitUntil("the connection to be closed", () => sockets.size === 0, 10_000);
  });

  it("is refused when nobody listens there", async (context) => {
    const { control, path } = await makeControl(context, () => undefined);
    control.close();
    await rejectsWith("AGENT_PROBE_REFUSED", new AsteriskControl(`${path}-not`).run("x", soon()));
  });

  it("is asked no more while four commands are unanswered, and again when they have been", async (context) => {
    let awake = false;
    const { control, sockets } = await makeControl(context, (socket) => {
      if (awake) socket.end("host/42/22.10.1\nanswer\n");
    });
    for (let time = 1; time <= 6; time += 1) await rejectsWith("AGENT_PROBE_TIMEOUT", control.run("x", AbortSignal.timeout(20)));
    await waitUntil("the commands to arrive", () => sockets.size === 4, 10_000);
    awake = true;
    for (const socket of sockets) socket.end("host/42/22.10.1\nlate\n");
    await waitUntil("a new command to be answered", async () => (await control.run("x", AbortSignal.timeout(200)).catch(() => "")) === "answer\n", 10_000);
  });
});
