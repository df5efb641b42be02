/** The plumbing of a small JSON server: bodies with a limit, answers, and errors that never carry what was sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

const BODY_MAX_BYTES = 64 * 1024;
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  /** The body as text; rejects with TooLong. */
  readonly text: () => Promise<string>;
}

class TooLong extends Error {}

/** Serves until the server is closed. Resolves when it listens. */
export async function serve(place: { readonly host: string; readonly port: number }, answer: (question: Question) => Promise<Answer>, onDefect: (error: unknown) => void): Promise<Server> {
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, maxHeaderSize: 16_384 }, (incoming, outgoing) => {
    void questionOf(incoming, answer).catch((error: unknown): Answer => {
      if (error instanceof TooLong) return { status: 413, body: { error: "too-long", message: `The request is longer than ${BODY_MAX_BYTES} bytes.` } };
      onDefect(error);
      return { status: 500, body: { error: "defect", message: "Something went wrong here; the log says what." } };
    }).then((reply) => send(outgoing, reply));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(place.port, place.host, () => resolve());
  });
  return server;
}

/** Ends a server and what is under way on it. */
export async function endServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function questionOf(incoming: IncomingMessage, answer: (question: Question) => Promise<Answer>): Promise<Answer> {
  const url = URL.canParse(incoming.url ?? "", "http://app") ? new URL(incoming.url ?? "", "http://app") : new URL("http://app/nowhere");
  return answer({ method: incoming.method ?? "", path: url.pathname, query: url.searchParams, authorization: incoming.headers.authorization ?? "", text: () => textOf(incoming) });
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) throw new TooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(outgoing: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": String(Buffer.byteLength(text)), "cache-control": "no-store", ...(status === 401 ? { "www-authenticate": "Bearer" } : {}), ...(status === 413 ? { connection: "close" } : {}) });
  outgoing.end(text);
}
