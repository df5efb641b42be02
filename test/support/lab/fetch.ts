// HTTP requests from inside a place: a process can't change its network namespace, so a small one is started there.
import type { Place } from "./addresses.ts";
import type { Lab } from "./network.ts";

export interface LabRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until the request is given up; the default is 5000. */
  readonly timeoutMs?: number;
}

export interface LabResponse {
  readonly status: number;
  readonly body: string;
}

const ASK = `
const [url, init, timeoutMs] = process.argv.slice(1);
fetch(url, { ...JSON.parse(init), signal: AbortSignal.timeout(Number(timeoutMs)) })
  .then(async (response) => console.log(JSON.stringify({ status: response.status, body: await response.text() })))
  .catch((error) => { console.error(String(error.cause ?? error)); process.exitCode = 1; });
`;

/** Makes one HTTP request from a place. Rejects when there is no answer in time. */
export async function labFetch(lab: Lab, place: Place, url: string, request: LabRequest = {}): Promise<LabResponse> {
  const { timeoutMs = 5000, ...init } = request;
  const { stdout } = await lab.run(place, process.execPath, ["-e", ASK, url, JSON.stringify(init), String(timeoutMs)], { timeoutMs: timeoutMs + 5000 });
  return JSON.parse(stdout) as LabResponse;
}
