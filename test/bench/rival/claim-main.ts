/** What the rival's notify script runs: one AssociateAddress, with the SDK's own patience. Bundled; nothing else imports it. */
import { AssociateAddressCommand, EC2Client } from "@aws-sdk/client-ec2";

const client = new EC2Client({ maxAttempts: 5, requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 } });
const say = (text: string): void => void process.stdout.write(`${new Date().toISOString()} ${text}\n`);

say("this node is the master: claiming");
client.send(new AssociateAddressCommand({ AllocationId: process.env["ALLOCATION_ID"], InstanceId: process.env["INSTANCE_ID"], AllowReassociation: true })).then(
  () => say("claimed"),
  (error: unknown) => {
    say(`failed: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    process.exitCode = 1;
  },
);
