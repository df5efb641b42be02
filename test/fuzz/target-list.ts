/** All targets. */
import type { Target } from "./target.ts";
import { ariEvents } from "./targets/ari-events.ts";
import { ariHttp } from "./targets/ari-http.ts";
import { ariSetUp } from "./targets/ari-set-up.ts";
import { awsReplies } from "./targets/aws-replies.ts";
import { awsWire } from "./targets/aws-wire.ts";
import { controlReplies } from "./targets/control-replies.ts";
import { controlWire } from "./targets/control-wire.ts";
import { envFile } from "./targets/env-file.ts";
import { heartbeat } from "./targets/heartbeat.ts";
import { imds } from "./targets/imds.ts";
import { linkFrames } from "./targets/link-frames.ts";
import { peerPort } from "./targets/peer-port.ts";
import { persisted } from "./targets/persisted.ts";
import { roster } from "./targets/roster.ts";
import { secret } from "./targets/secret.ts";
import { sip } from "./targets/sip.ts";
import { sipWire } from "./targets/sip-wire.ts";
import { spool } from "./targets/spool.ts";

export const TARGETS: readonly Target[] = [heartbeat, linkFrames, peerPort, sip, sipWire, ariEvents, ariHttp, ariSetUp, controlReplies, controlWire, secret, envFile, persisted, spool, roster, imds, awsReplies, awsWire];
