/** The Date header of whoever answers at a URL: AWS's clock, for comparison with ours. Any status will do. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { AgentError } from "../errors.ts";

/**
 * How far the answering machine's clock is ahead of ours (ms), exact to about half a second, as the header has whole seconds.
 * @param localAddress the source address, or null
 * @throws AGENT_CLOUD_TIMEOUT, AGENT_CLOUD_UNREACHABLE, or AGENT_CLOUD_FAILED when the answer has no date
 */
export function clockAheadMs(url: string, localAddress: string | null, wallMs: () => number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const askedAt = wallMs();
    const request = url.startsWith("https:") ? requestHttps : requestHttp;
    const outgoing = request(url, { method: "HEAD", agent: false, signal, ...(localAddress === null ? {} : { localAddress }) }, (incoming) => {
      const answeredAt = wallMs();
      incoming.resume();
      const theirs = Date.parse(incoming.headers.date ?? "");
      if (Number.isFinite(theirs)) resolve(Math.round(theirs + 500 - (askedAt + answeredAt) / 2));
      else reject(new AgentError("AGENT_CLOUD_FAILED", `${url} answers without a date`));
    });
    outgoing.on("error", (error) => { reject(new AgentError(signal.aborted ? "AGENT_CLOUD_TIMEOUT" : "AGENT_CLOUD_UNREACHABLE", signal.aborted ? `${url} did not answer in time` : `${url}: ${error.message}`, error)); });
    outgoing.end();
  });
}
