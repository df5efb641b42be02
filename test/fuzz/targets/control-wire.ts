/** Asterisk's control socket itself: greetings and replies in pieces, cut off, or of something else that listens there. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { within } from "../../../agent/adapters/interruptible.ts";
import { AsteriskControl } from "../../../agent/adapters/asterisk-control.ts";
import { settledOrRefused } from "../judge.ts";
import { latin1, mutatedText, pieces } from "../mutate.ts";
import { target } from "../target.ts";
import { CONTROL_SEEDS } from "./control-replies.ts";

const GREETING = "Asterisk/1234/22.10.1\n";
const DEADLINE_MS = 20_000;
const text = mutatedText(fc.constantFrom(...CONTROL_SEEDS).map((seed) => GREETING + seed), ["\n", "/", "\u0000", "\u001b[0m", "\u001b[", GREETING, "Asterisk//\n", "\u0081", "\u009b1m"]).map(latin1);

export const controlWire = target({
  name: "control-wire",
  says: "what comes through Asterisk's control socket, in pieces, to the one who asks there",
  inputs: fc.record({ text, cuts: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }), early: fc.boolean() }),
  schema: z.object({ text: z.string(), cuts: z.array(z.int().min(1)), early: z.boolean() }),
  casesInSuite: 300,
  share: 20_000,
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "fuzz-control-"));
    const path = join(folder, "asterisk.ctl");
    const sockets = new Set<Socket>();
    let now: { readonly parts: readonly string[]; readonly early: boolean } = { parts: [], early: false };
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
      const say = (): void => {
        for (const part of now.parts) socket.write(part, "latin1");
        socket.end();
      };
      // Asterisk waits for the command; something else may not. What is not read would keep the socket open.
      socket.resume();
      if (now.early) say();
      else socket.once("data", say);
    });
    server.listen(path);
    await once(server, "listening");
    const control = new AsteriskControl(path);
    // A timeout of its own would outlive each of thousands of cases a second, and look like a leak.
    const never = new AbortController().signal;
    return {
      async feed(input) {
        now = { parts: pieces(input.text, input.cuts), early: input.early };
        const done = await settledOrRefused(() => within(DEADLINE_MS, never, (signal) => control.run("core show channels count", signal)), { codes: ["AGENT_ARI_FAILED"] });
        if (done !== null) assert.doesNotMatch(done.value, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/, "control bytes came through");
        return done !== null;
      },
      close: async () => {
        control.close();
        const closed = once(server, "close");
        server.close();
        for (const socket of sockets) socket.destroy();
        await closed;
        rmSync(folder, { recursive: true });
      },
    };
  },
});
