// The sinks for events: the file, a webhook on a real HTTP server, SNS as moto plays it (read back through an HTTP subscription).
import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { FileSink } from "../../agent/stasis-app/sinks/file-sink.ts";
import { SinkFailure } from "../../agent/stasis-app/sinks/sink.ts";
import { SIGNATURE_HEADER } from "../../agent/stasis-app/sinks/signature.ts";
import { SnsSink } from "../../agent/stasis-app/sinks/sns-sink.ts";
import { WebhookSink } from "../../agent/stasis-app/sinks/webhook-sink.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { Receiver } from "../support/stasis-app/receiver.ts";
import { describeSinkContract, eventOf } from "./stasis-app-sink-contract.ts";

const KEY = "contract-webhook-key";

/** What a receiver does, on its own account. */
function isSigned(key: string, body: string, header: string, nowSeconds: number, maxAgeSeconds = 300): boolean {
  const [, at = "", signature = ""] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (at === "" || Math.abs(nowSeconds - Number(at)) > maxAgeSeconds) return false;
  return timingSafeEqual(createHmac("sha256", key).update(`${at}.${body}`).digest(), Buffer.from(signature, "hex"));
}

describeSinkContract("file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sink-"));
  const path = join(folder, "events", "events.jsonl");
  return {
    sink: new FileSink(path),
    arrived: async () => (await readFile(path, "utf8").catch(() => "")).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as unknown),
    // A folder can't be appended to, not even by root.
    away: async () => { await rename(path, `${path}.kept`); await mkdir(path); },
    back: async () => { await rm(path, { recursive: true }); await rename(`${path}.kept`, path); },
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

describeSinkContract("webhook", async () => {
  const receiver = new Receiver();
  await receiver.open();
  const sink = new WebhookSink(`http://127.0.0.1:${receiver.port}/events`, () => KEY, () => Date.now());
  return {
    sink,
    arrived: () => receiver.bodies.map((body) => JSON.parse(body) as unknown),
    away: () => receiver.close(),
    back: () => receiver.open(),
    close: async () => { sink.close(); await receiver.close(); },
  };
});

describe("the webhook", () => {
  const receiver = new Receiver();
  let sink: WebhookSink;
  before(async () => {
    await receiver.open();
    sink = new WebhookSink(`http://127.0.0.1:${receiver.port}/events`, () => KEY, () => 1_800_000_000_000);
  });
  after(async () => { sink.close(); await receiver.close(); });

  it("is signed over time and body, so that neither a change nor an old one passes", async () => {
    await sink.deliver(eventOf(1), AbortSignal.timeout(5_000));
    const header = String(receiver.headers.at(-1)?.[SIGNATURE_HEADER]);
    const body = receiver.bodies.at(-1) ?? "";
    assert.equal(isSigned(KEY, body, header, 1_800_000_010), true);
    assert.equal(isSigned(KEY, body, header, 1_800_000_900), false, "too old");
    assert.equal(isSigned(KEY, body.replace("k1", "k2"), header, 1_800_000_010), false, "changed");
    assert.equal(isSigned("another key", body, header, 1_800_000_010), false);
    for (const nonsense of ["", "t=,v1=", "t=1800000000,v1=00"]) assert.equal(isSigned(KEY, body, nonsense, 1_800_000_010), false, nonsense);
    assert.equal(receiver.headers.at(-1)?.["x-event-id"], eventOf(1).id);
  });

  it("tells an event that is not wanted from a server that can't take one now", async () => {
    for (const [status, kind] of [[400, "refused"], [422, "refused"], [401, "away"], [429, "away"], [500, "away"], [302, "away"]] as const) {
      receiver.status = status;
      await assert.rejects(sink.deliver(eventOf(1), AbortSignal.timeout(5_000)), (error) => error instanceof SinkFailure && error.kind === kind, String(status));
    }
  });
});

const moto = motoSource();

describe("SNS by moto", { skip: moto.missing ?? false }, () => {
  let server: Awaited<ReturnType<typeof moto.start>>;
  let restore = (): void => undefined;
  before(async () => { server = await moto.start(); restore = pointSdkTo(server.url); });
  after(async () => { restore(); await server.stop(); });

  describeSinkContract("SNS, moto", async () => {
    const receiver = new Receiver();
    await receiver.open();
    const access = awsAccess("node-a");
    const operator = new SNSClient({ region: access.region, credentials: { accessKeyId: "operator", secretAccessKey: "not-a-secret" } });
    const { TopicArn = "" } = await operator.send(new CreateTopicCommand({ Name: "call-events" }));
    await operator.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint: `http://127.0.0.1:${receiver.port}/` }));
    const sinkTo = (arn: string): SnsSink => new SnsSink({ ...access, topics: new Map([["*", arn]]) });
    const good = sinkTo(TopicArn);
    const gone = sinkTo(`${TopicArn}-gone`);
    let isAway = false;
    return {
      sink: { name: good.name, deliver: (event, signal) => (isAway ? gone : good).deliver(event, signal), close: () => undefined },
      arrived: () => receiver.bodies.map((body) => JSON.parse((JSON.parse(body) as { Message: string }).Message) as unknown),
      away: () => { isAway = true; return Promise.resolve(); },
      back: () => { isAway = false; return Promise.resolve(); },
      close: async () => { good.close(); gone.close(); operator.destroy(); access.connection.close(); await receiver.close(); },
    };
  });
});

describe("the file of events", () => {
  it("may be moved away by logrotate at any time", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sink-"));
    try {
      const path = join(folder, "events.jsonl");
      const sink = new FileSink(path);
      await sink.deliver(eventOf(1));
      await rename(path, `${path}.1`);
      await sink.deliver(eventOf(2));
      for (const [file, number] of [[`${path}.1`, 1], [path, 2]] as const) assert.deepEqual(JSON.parse(await readFile(file, "utf8")), eventOf(number));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
