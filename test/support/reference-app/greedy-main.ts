/**
 * A greedy user of ARI: asks so many things at once, each on a connection of its own, and keeps all of them, as programs do
 * whose HTTP client pools connections without a bound. An application that rings back every caller whom a failover has cut is one.
 *
 * Environment: ARI_URL, ARI_USERNAME, ARI_PASSWORD, CONNECTIONS (how many). Prints how many questions were answered and how
 * many were not, each round, as one line of JSON.
 */
import { Agent, request } from "node:http";
import process from "node:process";

/** Less than the 15 s for which Asterisk keeps an unused connection (ms). */
const ROUND_MS = 2_000;

const { ARI_URL = "http://127.0.0.1:8088", ARI_USERNAME = "", ARI_PASSWORD = "", CONNECTIONS = "" } = process.env;
const count = Number(CONNECTIONS);
const agent = new Agent({ keepAlive: true, maxFreeSockets: count });
const authorization = `Basic ${Buffer.from(`${ARI_USERNAME}:${ARI_PASSWORD}`).toString("base64")}`;

/** Resolves with whether ARI answered. */
function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request(`${ARI_URL}/ari/asterisk/ping`, { agent, headers: { authorization } }, (incoming) => {
      incoming.resume().on("end", () => { resolve(incoming.statusCode === 200); });
    });
    outgoing.on("error", () => { resolve(false); });
    outgoing.end();
  });
}

async function round(): Promise<void> {
  const answers = await Promise.all(Array.from({ length: count }, ask));
  const answered = answers.filter(Boolean).length;
  process.stdout.write(`${JSON.stringify({ answered, unanswered: count - answered })}\n`);
}

await round();
setInterval(() => void round(), ROUND_MS);
