/**
 * IAM's gate before an emulator that has none: every request that comes by is turned into IAM's questions, and is passed on
 * only when the caller's policy answers all of them with yes. The caller is known by its access key.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Ec2Error } from "../aws/ec2-limits.ts";
import { ec2ErrorXml } from "../aws/ec2-wire.ts";
import type { Policy } from "./policies.ts";
import { questionsOf, type Inventory } from "./questions.ts";
import { allows } from "./simulate.ts";

export interface IamGate {
  /** For AWS_ENDPOINT_URL. */
  readonly url: string;
  /** What was allowed so far: the actions, each once, sorted. */
  allowed(): readonly string[];
  /** Closed, connecting is refused. */
  setListening(on: boolean): Promise<void>;
  close(): Promise<void>;
}

/** @param policies access key id to that caller's policy; others are refused everything */
export async function startIamGate(upstream: string, policies: ReadonlyMap<string, Policy>, inventory: Inventory): Promise<IamGate> {
  const passed = new Set<string>();
  const mayPass = async (incoming: IncomingMessage, body: string): Promise<boolean> => {
    const caller = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? "")?.[1] ?? "";
    const policy = policies.get(caller);
    const questions = questionsOf(incoming.headers, body, inventory);
    if (policy === undefined || questions.length === 0) return false;
    for (const question of questions) if (!(await allows(policy, question))) return false;
    for (const question of questions) passed.add(question.action);
    return true;
  };
  const server = createServer({ keepAliveTimeout: 20_000 }, (incoming, response) => {
    handle(incoming, response, upstream, mayPass).catch((error: unknown) => {
      response.writeHead(501).end(error instanceof Error ? error.stack : String(error)); // a defect of the test, to be seen
    });
  });
  const listen = (port: number): Promise<void> => new Promise((resolve, reject) => void server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const shut = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, allowed: () => [...passed].sort(), setListening: (on) => (on ? listen(port) : shut()), close: shut };
}

async function handle(incoming: IncomingMessage, response: ServerResponse, upstream: string, mayPass: (incoming: IncomingMessage, body: string) => Promise<boolean>): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!(await mayPass(incoming, body.toString("utf8")))) {
    refuse(incoming, response);
    return;
  }
  const outgoing = httpRequest(new URL(incoming.url ?? "/", upstream), { method: incoming.method ?? "POST", headers: incoming.headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  // What happens to the connection behind happens to the one before: a reply that is lost stays lost.
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  outgoing.end(body);
}

function refuse(incoming: IncomingMessage, response: ServerResponse): void {
  if (incoming.headers["x-amz-target"] === undefined) {
    response.writeHead(403, { "content-type": "text/xml;charset=UTF-8" }).end(ec2ErrorXml(new Ec2Error("UnauthorizedOperation", "You are not authorized to perform this operation.", 403), "00000000-0000-4000-8000-000000000000"));
    return;
  }
  const code = "AccessDeniedException";
  response.writeHead(400, { "content-type": incoming.headers["content-type"] ?? "application/x-amz-json-1.1", "x-amzn-errortype": code, "x-amzn-query-error": `${code};Sender` }).end(JSON.stringify({ __type: code, Message: "not authorized" }));
}
