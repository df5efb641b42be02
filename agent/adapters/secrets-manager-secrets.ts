/**
 * The SecretSource port over AWS Secrets Manager: the version that is labelled AWSCURRENT. Errors are rebuilt here from
 * their code alone, because the SDK's own may carry a piece of the reply, and the reply is the secret.
 */
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { AgentError } from "../errors.ts";
import type { SecretSource } from "../ports.ts";
import type { AwsConnection } from "./aws-connection.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import { awsCodeOf, callAws } from "./aws-errors.ts";

const GET = { name: "Secrets Manager GetSecretValue", changes: false };

export class SecretsManagerSecrets implements SecretSource {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;

  constructor(options: { readonly region: string; readonly secretId: string; readonly connection: AwsConnection; readonly credentials: AwsCredentials }) {
    this.#secretId = options.secretId;
    this.#client = new SecretsManagerClient({ region: options.region, maxAttempts: 1, requestHandler: options.connection, credentials: options.credentials.provide });
  }

  async fetch(signal: AbortSignal): Promise<{ readonly text: string; readonly version: string }> {
    const reply = await callAws(GET, signal, () => this.#client.send(new GetSecretValueCommand({ SecretId: this.#secretId }), { abortSignal: signal })).catch((error: unknown) => {
      throw this.#unreadable(error instanceof AgentError ? explain(error) : "failed");
    });
    // Looked at for what they are: the SDK hands on whatever JSON has in their place.
    if (typeof reply.SecretString !== "string" || typeof reply.VersionId !== "string") throw this.#unreadable("it holds no text (a binary secret can't be used)");
    return { text: reply.SecretString, version: reply.VersionId };
  }

  close(): void {
    this.#client.destroy();
  }

  #unreadable(why: string): AgentError {
    return new AgentError("AGENT_SECRET_UNREADABLE", `${GET.name} of ${this.#secretId}: ${why}`);
  }
}

/** What may be said: the agent's code, and AWS's own where AWS answered. Never AWS's words. */
function explain(error: AgentError): string {
  const refused = error.cause instanceof Error && "$fault" in error.cause;
  const awsCode = awsCodeOf(error.cause);
  // AWS's codes are words; whatever else stands in their place is not repeated.
  return refused && /^[A-Za-z.]{1,64}$/.test(awsCode) ? awsCode : error.code;
}
