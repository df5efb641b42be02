/**
 * A greedy user of ARI: asks more and more questions at once until there are CONNECTIONS of them, each on a connection of its own,
 * and keeps all of them, as programs do whose HTTP client pools connections without a bound. An application that rings back
 * every caller whom a failover has cut is one.
 *
 * Environment: ARI_URL, ARI_USERNAME, ARI_PASSWORD, CONNECTIONS (how many). From when all are open it prints, each round, how many
 * questions were answered and how many were not, as one line of JSON.
 */
import { Agent, request } from "node:http";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

/** Between two rounds: less than the 15 s for which Asterisk keeps an unused connection (ms). */
const ROUND_MS = 2_000;

/** Asterisk lets no more than ten connections wait to be accepted; of more at once some are lost, and tried again after seconds. */
const MORE_AT_ONCE = 10;

const { ARI_URL = "http://127.0.0.1:8088", ARI_USERNAME = "", ARI_PASSWORD = "", CONNECTIONS = "" } = process.env;
const count = Number(CONNECTIONS);
if (!Number.isSafeInteger(count) || count < 1) throw new Error(`CONNECTIONS must be a whole number of at least 1, not ${JSON.stringify(CONNECTIONS)}`);
const agent = new Agent({ keepAlive: true, maxFreeSockets: count });
const authorization = `Basic ${Buffer.from(`${ARI_USERNAME}:${ARI_PASSWORD}`).toString("base64")}`;

/** Resolves with whether ARI answered. */
function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request(`${ARI_URL}/ari/asterisk/ping`, { agent, headers: { authorization } }, (incoming) => {
      incoming.resume().on("end", () => { resolve(incoming.statusCode === 200); }).on("close", () => { resolve(false); });
    });
    outgoing.on("error", () => { resolve(false); });
    outgoing.end();
  });
}

/** So many questions at once. Resolves with how many were answered. */
async function round(questions: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: questions }, ask));
  return answers.filter(Boolean).length;
}

for (let questions = MORE_AT_ONCE; questions < count; questions += MORE_AT_ONCE) await round(questions);
for (;;) {
  const answered = await round(count);
  process.stdout.write(`${JSON.stringify({ answered, unanswered: count - answered })}\n`);
  await setTimeout(ROUND_MS);
}
