/** Our own connection to AWS, over real HTTP with damaged answers: a reply, or an error that tells whether the request had left. */
import assert from "node:assert/strict";
import { AwsConnection, AwsTransportError } from "../../../agent/adapters/aws-connection.ts";
import { awsBody } from "../aws-bodies.ts";
import { rawReplies, rawReplySchema, startRawServer } from "../raw-server.ts";
import { target } from "../target.ts";

const DEADLINE_MS = 20_000;

export const awsWire = target({
  name: "aws-wire",
  says: "damaged HTTP answers, to the connection that carries all calls to AWS",
  inputs: rawReplies(awsBody("readAddress"), ["content-type: text/xml"]),
  schema: rawReplySchema,
  casesInSuite: 300,
  share: 20_000,
  open: async () => {
    const server = await startRawServer();
    const connection = new AwsConnection({ connectTimeoutMs: DEADLINE_MS, requestTimeoutMs: DEADLINE_MS, localAddress: null, monotonicMs: () => performance.now() });
    const request = { method: "POST", protocol: "http:", hostname: "127.0.0.1", port: server.port, path: "/", headers: { "content-length": "4" }, body: "Ask!" };
    return {
      async feed(reply) {
        await server.quiet();
        server.answer([reply]);
        try {
          const { response } = await connection.handle(request);
          assert.ok(Number.isInteger(response.statusCode) && response.statusCode >= 100 && response.statusCode <= 999, "a status that is none");
          assert.ok(response.body.length <= 1_048_576, "a reply beyond the limit");
          return true;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          assert.ok(error instanceof AwsTransportError, String(error));
          assert.ok(error.sent && !error.timedOut, `${error.message}: sent ${error.sent}, timed out ${error.timedOut}`);
          return false;
        }
      },
      close: async () => {
        connection.close();
        await server.close();
      },
    };
  },
});
