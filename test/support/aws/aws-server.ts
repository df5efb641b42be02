/**
 * The embedded AWS: an HTTP server that the real SDK talks to through AWS_ENDPOINT_URL. It applies the faults that the
 * tests have set, in real time. Under `/_control` other processes drive it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { understand, type WireReply } from "./aws-faces.ts";
import { AwsLab, type AwsWorldSpec } from "./aws-lab.ts";
import { answerControl, CONTROL_PREFIX } from "./control-http.ts";
import { startImds, type ImdsServer } from "./imds-server.ts";

/** No request to AWS that the agent makes comes near this (bytes; PutMetricData's own limit is 1 MB). */
const REQUEST_MAX_BYTES = 2_097_152;

export interface EmbeddedAws {
  /** For AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly lab: AwsLab;
  /** Starts the metadata service of one instance on an address of its own. */
  imds(instanceId: string, accessKeyId: string, listen?: { readonly host: string; readonly port: number }): Promise<ImdsServer>;
  close(): Promise<void>;
}

/** Starts it; port 0 takes a free one. */
export async function startEmbeddedAws(spec: AwsWorldSpec, listen: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 0 }): Promise<EmbeddedAws> {
  const lab = new AwsLab(spec);
  const metadata: ImdsServer[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const wait = (ms: number): Promise<void> =>
    ms <= 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          const timer = setTimeout(() => {
            timers.delete(timer);
            resolve();
          }, ms);
          timers.add(timer);
        });
  const server = createServer({ keepAliveTimeout: 20_000 }, (request, response) => {
    serve(lab, request, response, wait).catch((error: unknown) => {
      // A defect of the emulator must be seen in the test that meets it, and a 501 is no answer of AWS.
      response.statusCode = 501;
      response.end(error instanceof Error ? error.stack : String(error));
    });
  });
  await open(server, listen);
  const { port } = server.address() as AddressInfo;
  lab.attachListener((on) => (on ? open(server, { host: listen.host, port }) : shut(server)));
  return {
    url: `http://${listen.host}:${port}`,
    lab,
    imds: async (instanceId, accessKeyId, where = { host: "127.0.0.1", port: 0 }) => {
      const started = await startImds(lab, instanceId, accessKeyId, where);
      metadata.push(started);
      return started;
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      lab.reset();
      await Promise.all([shut(server), ...metadata.map((one) => one.close())]);
    },
  };
}

async function serve(lab: AwsLab, request: IncomingMessage, response: ServerResponse, wait: (ms: number) => Promise<void>): Promise<void> {
  const body = await readBody(request);
  const path = request.url ?? "/";
  if (path.startsWith(CONTROL_PREFIX)) {
    reply(response, await answerControl(lab, path.slice(CONTROL_PREFIX.length), body));
    return;
  }
  const call = understand(lab, request.headers, body);
  if (call === null) {
    reply(response, { status: 404, contentType: "text/plain", body: "not a service of the embedded AWS" });
    return;
  }
  lab.record(call.caller, call.action, call.parameters, request.socket.remotePort ?? 0);
  const plan = lab.faults.plan(call.caller, call.action);
  if (plan.outcome === "blackhole") return; // The socket stays open and silent until the caller gives up.
  if (plan.outcome === "refuse") {
    request.socket.destroy();
    return;
  }
  await wait(plan.delayBeforeMs);
  const refused = plan.outcome === "error-after" ? null : call.refuse(plan.outcome);
  const answer = refused ?? call.run(plan.staleMs);
  await wait(plan.delayAfterMs);
  if (plan.outcome === "lose-reply") request.socket.destroy();
  else reply(response, plan.outcome === "error-after" ? (call.refuse(plan.outcome) ?? answer) : answer);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > REQUEST_MAX_BYTES) throw new RangeError("the request is too long");
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  return (request.headers["content-encoding"] === "gzip" ? gunzipSync(whole) : whole).toString("utf8");
}

function reply(response: ServerResponse, answer: WireReply): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, { "content-type": answer.contentType, ...answer.headers });
  response.end(answer.body);
}

function open(server: Server, listen: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // Also called, with an error, when it was closed already: then all is well.
    server.closeAllConnections();
  });
}
