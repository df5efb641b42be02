/** One look at the running agent over its socket in STATE_DIR. That nobody answers is an answer here. */
import { connect } from "node:net";
import { z } from "zod";
import { statusSchema } from "../status/schema.ts";
import { ASK_WITHIN_MS, type AgentWord } from "./world.ts";

const ANSWER_MAX_CHARACTERS = 1_048_576;
const lookAnswerSchema = z.object({ ok: z.literal(true), answer: statusSchema });

export function askAgent(path: string): Promise<AgentWord> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(path, () => { socket.write(`${JSON.stringify({ kind: "status" })}\n`); });
    const settle = (word: AgentWord): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(word);
    };
    const timer = setTimeout(() => { settle({ kind: "absent", why: `no answer within ${ASK_WITHIN_MS} ms` }); }, ASK_WITHIN_MS);
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      text += part;
      if (text.length > ANSWER_MAX_CHARACTERS) settle({ kind: "absent", why: "the answer is too long" });
    });
    socket.on("error", (error: NodeJS.ErrnoException) => { settle(error.code === "EACCES" || error.code === "EPERM" ? { kind: "forbidden", why: error.code } : { kind: "absent", why: error.code ?? error.message }); });
    socket.on("end", () => { settle(wordIn(text)); });
  });
}

function wordIn(text: string): AgentWord {
  try {
    const parsed = lookAnswerSchema.safeParse(JSON.parse(text));
    if (parsed.success) return { kind: "runs", view: parsed.data.answer };
  } catch {
    // Told below: whatever it was, it was not the agent's word.
  }
  return { kind: "absent", why: "what answers there is not an agent of this version" };
}
