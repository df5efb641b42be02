// SHA-512 crypt against the vectors that its author published, and against OpenSSL where there is one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { cryptPassword, sha512Crypt } from "../../agent/render/crypt.ts";

/** Password, salt, rounds (null: not written), and the text: Drepper's own list, as far as it takes under a second. */
const PUBLISHED: readonly (readonly [string, string, number | null, string])[] = [
  ["Hello world!", "saltstring", null, "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"],
  ["Hello world!", "saltstringsaltstring", 10_000, "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."],
  ["This is just a test", "toolongsaltstring", 5_000, "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"],
  ["a very much longer text to encrypt.  This one even stretches over morethan one line.", "anotherlongsaltstring", 1_400, "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"],
  ["the minimum number is still observed", "roundstoolow", 10, "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."],
];

describe("SHA-512 crypt", () => {
  for (const [password, salt, rounds, text] of PUBLISHED) it(`gives the published text for salt ${salt}`, () => assert.equal(sha512Crypt(password, salt, rounds), text));

  it("gives what OpenSSL gives, for passwords of every length that changes the path", (context) => {
    const version = spawnSync("openssl", ["version"], { encoding: "utf8" });
    if (version.status !== 0) {
      context.skip("there is no openssl here");
      return;
    }
    for (const length of [1, 2, 3, 15, 16, 31, 63, 64, 65, 127, 128, 200]) {
      const password = "aü$b".repeat(length).slice(0, length);
      const { stdout } = spawnSync("openssl", ["passwd", "-6", "-salt", "rounds=1000$aSalt./0", "-stdin"], { input: `${password}\n`, encoding: "utf8" });
      assert.equal(sha512Crypt(password, "aSalt./0", 1_000), stdout.trim(), `a password of ${length} characters`);
    }
  });
});

describe("the crypt text of an ARI password", () => {
  it("is the same at every render as long as the password is", () => {
    assert.equal(cryptPassword("s3cret", "prod/node-a/agent"), cryptPassword("s3cret", "prod/node-a/agent"));
    assert.notEqual(cryptPassword("s3cret", "prod/node-a/agent"), cryptPassword("s3cret.", "prod/node-a/agent"));
  });

  it("has another salt for another user and on another node, and the fewest rounds", () => {
    const salts = ["prod/node-a/agent", "prod/node-a/stasis", "prod/node-b/agent"].map((owner) => cryptPassword("s3cret", owner).split("$")[3]);
    assert.equal(new Set(salts).size, 3);
    for (const salt of salts) assert.match(salt ?? "", /^[./A-Za-z0-9]{16}$/);
    assert.match(cryptPassword("s3cret", "x"), /^\$6\$rounds=1000\$/);
  });
});
