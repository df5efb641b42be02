/**
 * A small Stasis application, as a user of the agent would write one: it answers whoever calls, and rings back the callers
 * whom a failover has cut. It shows what the user event `CallsDropped` is for.
 *
 * Environment: ARI_URL, ARI_USERNAME, ARI_PASSWORD, APP, RING_BACK_AT (host:port that stands for the trunk).
 * Prints one line of JSON for each thing that happens.
 */
import { connect, type Channel, type ChannelUserevent } from "ari-client";
import process from "node:process";
import { z } from "zod";

/** What the agent puts into the event. */
const droppedSchema = z.object({ from: z.string(), part: z.number(), parts: z.number(), calls: z.array(z.object({ id: z.string(), party: z.string(), sinceWallMs: z.number() })) });

const { ARI_URL = "http://127.0.0.1:8088", ARI_USERNAME = "", ARI_PASSWORD = "", APP = "callcenter", RING_BACK_AT = "" } = process.env;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const ari = await connect(ARI_URL, ARI_USERNAME, ARI_PASSWORD);

ari.on("StasisStart", (_event, channel: Channel) => {
  // Our own calls back arrive here too, answered already.
  channel.answer().then(() => { say({ answered: channel.id }); }, (error: unknown) => { say({ failed: String(error) }); });
});

ari.on("ChannelUserevent", (event: ChannelUserevent) => {
  if (event.eventname !== "CallsDropped") return;
  const { from, calls } = droppedSchema.parse(event.userevent);
  say({ dropped: calls.length, from });
  for (const { party } of calls) {
    if (party === "") continue;
    const endpoint = `PJSIP/caller/sip:${party}@${RING_BACK_AT}`;
    ari.channels.originate({ endpoint, app: APP, timeout: 20 }).then(() => { say({ ringsBack: true }); }, (error: unknown) => { say({ failed: String(error) }); });
  }
});

await ari.start(APP);
say({ ready: true });
