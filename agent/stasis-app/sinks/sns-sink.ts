/** Events to Amazon SNS: one topic for all, or one for a type. To a FIFO topic they go in groups, one a call, and SNS itself drops repetitions. */
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { callAws, awsCodeOf } from "../../adapters/aws-errors.ts";
import type { AwsConnection } from "../../adapters/aws-connection.ts";
import type { AwsCredentials } from "../../adapters/aws-credentials.ts";
import type { CallEvent } from "../core/event.ts";
import { SinkFailure, type EventSink } from "./sink.ts";

/** Sending twice does no harm that a receiver would have to know of: events have ids. */
const PUBLISH = { name: "SNS Publish", changes: false };
/** SNS's own codes for a message that it will never take. */
const REFUSALS = new Set(["InvalidParameter", "InvalidParameterException", "ParameterValueInvalid", "InvalidParameterValue"]);

export interface SnsOptions {
  readonly region: string;
  /** Type of event to the ARN of a topic; `*` for those that are not named. */
  readonly topics: ReadonlyMap<string, string>;
  readonly connection: AwsConnection;
  readonly credentials: AwsCredentials;
}

export class SnsSink implements EventSink {
  readonly name: string;
  readonly #client: SNSClient;
  readonly #topics: ReadonlyMap<string, string>;

  constructor({ region, topics, connection, credentials }: SnsOptions) {
    this.#topics = topics;
    this.name = `SNS ${[...new Set(topics.values())].map((arn) => arn.split(":").at(-1)).join(", ")}`;
    this.#client = new SNSClient({ region, maxAttempts: 1, requestHandler: connection, credentials: credentials.provide });
  }

  async deliver(event: CallEvent, signal: AbortSignal): Promise<void> {
    const arn = this.#topics.get(event.type) ?? this.#topics.get("*");
    // A type that nobody wants is delivered by not being sent.
    if (arn === undefined) return;
    const attribute = (text: string) => ({ DataType: "String", StringValue: text });
    const command = new PublishCommand({
      TopicArn: arn,
      Message: JSON.stringify(event),
      MessageAttributes: { type: attribute(event.type), campaignId: attribute(event.campaignId) },
      ...(arn.endsWith(".fifo") ? { MessageGroupId: event.callId, MessageDeduplicationId: event.id } : {}),
    });
    try {
      await callAws(PUBLISH, signal, () => this.#client.send(command, { abortSignal: signal }));
    } catch (error) {
      const code = error instanceof Error ? awsCodeOf(error.cause) : "";
      throw new SinkFailure(REFUSALS.has(code) ? "refused" : "away", error instanceof Error ? error.message : String(error), error);
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
