/** The telephony adapter and the prober against a real Asterisk 22 with the product's own configuration. */
import { LoopbackAsterisk } from "../support/loopback-asterisk.ts";
import { describeProberContract } from "../contract/prober-contract.ts";
import { describeTelephonyContract } from "../contract/telephony-contract.ts";

describeTelephonyContract("Asterisk 22", () => LoopbackAsterisk.make());
describeProberContract("Asterisk 22", () => LoopbackAsterisk.make());
