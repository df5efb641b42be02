// Posts many calls to the API from one process in a place of the lab. Arguments: URL, token; standard input: a list of requests as JSON.
// Prints the list of [status, when it was sent (wall clock, ms)].
import { text } from "node:stream/consumers";
import process from "node:process";

const [url = "", token = ""] = process.argv.slice(2);
const requests = JSON.parse(await text(process.stdin)) as readonly object[];
const answers: unknown[] = [];
for (let from = 0; from < requests.length; from += 10) {
  answers.push(...(await Promise.all(requests.slice(from, from + 10).map(async (body) => {
    const sentAtMs = Date.now();
    const response = await fetch(`${url}/dial`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
    await response.text();
    return [response.status, sentAtMs];
  }))));
}
process.stdout.write(JSON.stringify(answers));
