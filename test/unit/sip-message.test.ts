import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answersProbe, optionsProbe, parseSipResponse, SipStreamReader, SIP_RESPONSE_MAX_BYTES, writeOptions, type OptionsProbe } from "../../agent/adapters/sip-message.ts";

const probe = optionsProbe({ transport: "udp", host: "10.0.1.10", port: 5060, localHost: "10.0.2.10", localPort: 40000, userAgent: "node-agent" }, "0123456789abcdef01234567");

/** What a server makes of a request: RFC 3261 8.2.6. */
function respond(request: string, status: string, body = ""): string {
  const copied = request.split("\r\n").filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${status}`, ...copied, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

const ip = fc.oneof(fc.ipV4(), fc.ipV6());
const anyProbe: fc.Arbitrary<OptionsProbe> = fc
  .record({ transport: fc.constantFrom("udp" as const, "tcp" as const), host: ip, port: fc.integer({ min: 1, max: 65535 }), localHost: ip, localPort: fc.integer({ min: 1, max: 65535 }), userAgent: fc.constant("node-agent 1.0") })
  .chain((target) => fc.string({ unit: fc.nat(15).map((digit) => digit.toString(16)), minLength: 24, maxLength: 24 }).map((random) => optionsProbe(target, random)));

describe("the SIP message", () => {
  it("is a request that ends with an empty line and carries no control byte but line ends", () => {
    fc.assert(
      fc.property(anyProbe, (one) => {
        const request = writeOptions(one);
        assert.ok(request.endsWith("\r\nContent-Length: 0\r\n\r\n"));
        assert.equal(request.indexOf("\r\n\r\n"), request.length - 4);
        assert.doesNotMatch(request.replaceAll("\r\n", ""), /[^ -~]/);
        for (const header of ["Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Accept", "User-Agent", "Content-Length"]) assert.equal(request.split(`\r\n${header}: `).length, 2, header);
      }),
    );
  });

  it("is answered by the response that a server makes of it, whatever its final status", () => {
    fc.assert(
      fc.property(anyProbe, fc.integer({ min: 200, max: 699 }), fc.string(), (one, status, phrase) => {
        const response = parseSipResponse(respond(writeOptions(one), `${status} ${phrase.replaceAll(/[\r\n]/g, "")}`));
        assert.equal(response?.status, status);
        assert.ok(answersProbe(response, one));
      }),
    );
  });

  it("is not answered by provisional responses", () => {
    for (const status of ["100 Trying", "180 Ringing", "199 Early"]) {
      const response = parseSipResponse(respond(writeOptions(probe), status));
      assert.ok(response !== null && !answersProbe(response, probe));
    }
  });

  it("is not answered by the response to any other probe", () => {
    fc.assert(
      fc.property(anyProbe, anyProbe, (one, other) => {
        fc.pre(one.branch !== other.branch);
        const response = parseSipResponse(respond(writeOptions(other), "200 OK"));
        assert.ok(response !== null && !answersProbe(response, one));
      }),
    );
  });

  it("reads folded lines, short header names, other cases and Via lists as the RFC asks", () => {
    const text = ["SIP/2.0 200 ", "v: SIP/2.0/UDP a;branch=z1", " ;x=1 , SIP/2.0/UDP b;branch=z2", 'VIA: SIP/2.0/UDP c;q="a,b;branch=no";branch=z3', "i:x@y", "cSeq: 7  OPTIONS", "l : 0", "", ""].join("\r\n");
    assert.deepEqual(parseSipResponse(text), { status: 200, callId: "x@y", cseq: 7, method: "OPTIONS", branches: ["z1", "z2", "z3"], contentLength: 0 });
  });

  it("refuses what is not exactly a response", () => {
    const good = respond(writeOptions(probe), "200 OK");
    assert.notEqual(parseSipResponse(good), null);
    const bad = [
      writeOptions(probe),
      good.replace("SIP/2.0 200", "SIP/2.0 700"),
      good.replace("SIP/2.0 200", "SIP/2.0 2000"),
      good.replace("SIP/2.0 200", "sip/2.0 200"),
      good.replace("SIP/2.0 200", " SIP/2.0 200"),
      good.replace("\r\nFrom", "\r\nno colon here\r\nFrom"),
      good.replace("\r\nFrom", "\r\nCall-ID: second\r\nFrom"),
      good.replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"),
      good.replace("CSeq: 1 OPTIONS", "CSeq: 12345678901 OPTIONS"),
      good.replace(/CSeq:.*\r\n/, ""),
      good.replace(/Call-ID:.*\r\n/, ""),
      good.replace("Content-Length: 0", "Content-Length: -1"),
      good.replaceAll("\r\n", "\n"),
      good.slice(0, -2),
      good.replace("\r\nFrom", `\r\nX: ${"x".repeat(SIP_RESPONSE_MAX_BYTES)}\r\nFrom`),
    ];
    for (const text of bad) assert.equal(parseSipResponse(text), null, text.slice(0, 200));
  });

  it("never throws and never takes noise for an answer", () => {
    const good = respond(writeOptions(probe), "200 OK");
    const noise = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("\r\n", ":", ";", ",", '"', "\\", " ", "SIP/2.0", "200", "Via", "branch=", "CSeq", "1 OPTIONS", "Call-ID") }),
      fc.tuple(fc.nat(good.length), fc.nat(20), fc.string({ unit: "binary" })).map(([at, length, put]) => good.slice(0, at) + put + good.slice(at + length)),
    );
    fc.assert(
      fc.property(noise, (text) => {
        const response = parseSipResponse(text);
        // Whatever is accepted carries our own identity, unharmed.
        if (response !== null && answersProbe(response, probe)) for (const part of [probe.branch, probe.callId, "OPTIONS"]) assert.ok(text.includes(part));
      }),
      { numRuns: 1000 },
    );
  });

  it("takes time in proportion to its length, also for hostile text", () => {
    for (const unit of ['"', "\\", ";branch=", ",", " ", '"\\']) {
      const text = `SIP/2.0 200 OK\r\nVia: ${unit.repeat(Math.floor(SIP_RESPONSE_MAX_BYTES / 2 / unit.length))}\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`;
      const startedAt = performance.now();
      parseSipResponse(text);
      assert.ok(performance.now() - startedAt < 1_000, unit);
    }
  });
});

describe("the SIP stream", () => {
  const text = `\r\n\r\n${respond(writeOptions(probe), "100 Trying")}${respond(writeOptions(probe), "404 Not Found", "SIP/2.0 200 OK\r\n\r\n")}\r\n${respond(writeOptions(probe), "503 Busy")}`;

  it("yields the same responses however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length }), { maxLength: 40 }), (lengths) => {
        const reader = new SipStreamReader();
        const statuses: number[] = [];
        let at = 0;
        for (const length of [...lengths, text.length]) {
          statuses.push(...reader.push(Buffer.from(text.slice(at, at + length), "latin1")).map(({ status }) => status));
          at += length;
        }
        assert.deepEqual(statuses, [100, 404, 503]);
      }),
    );
  });

  it("ends with the first thing that is no response, and keeps no more than it must", () => {
    for (const garbage of ["GET / HTTP/1.1\r\n\r\n", "x".repeat(SIP_RESPONSE_MAX_BYTES + 1)]) {
      const reader = new SipStreamReader();
      assert.deepEqual(reader.push(Buffer.from(garbage)), []);
      assert.deepEqual(reader.push(Buffer.from(respond(writeOptions(probe), "200 OK"))), []);
    }
  });

  it("never throws on noise", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const reader = new SipStreamReader();
      for (const chunk of chunks) reader.push(chunk);
    }));
  });
});
