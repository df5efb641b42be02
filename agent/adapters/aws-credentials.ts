/**
 * Credentials that never make a call wait. The SDK's default chain (environment, profile, instance metadata) is asked
 * at boot; afterwards a call is always signed with what is at hand, and fresh credentials are fetched in the
 * background well before the old ones end. The SDK by itself would stop the call that happens to come five minutes
 * before expiry until instance metadata has answered, and that call may be the claim.
 */
import { EC2Client } from "@aws-sdk/client-ec2";

/** When to look for new credentials (ms before the end): EC2 offers them at least five minutes before the old ones expire. */
const REFRESH_BEFORE_MS = 900_000;
/** Not more often than this (ms), because instance metadata throttles. */
const REFRESH_EVERY_MS = 60_000;

/** What a request is signed with. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type Chain = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsIdentity>;

/** Shared by all AWS clients of one agent: pass `provide` to each as its `credentials`. */
export class AwsCredentials {
  readonly #chain: Chain;
  readonly #wallMs: () => number;
  #identity: AwsIdentity | null = null;
  #asked: Promise<AwsIdentity> | null = null;
  #askedAtWallMs = -Infinity;

  /**
   * @param region only needed because the SDK wants one to build its chain
   * @param wallMs expiry is wall time, hence the one wall clock among the adapters
   * @param chain where credentials come from; replaced in tests
   */
  constructor(region: string, wallMs: () => number, chain: Chain = new EC2Client({ region }).config.credentials) {
    this.#chain = chain;
    this.#wallMs = wallMs;
  }

  /** The credentials at hand; waits only when there are none yet. Rejects with the chain's error. */
  readonly provide = async (): Promise<AwsIdentity> => {
    const identity = this.#identity;
    if (identity === null) return this.#ask();
    const endsInMs = (identity.expiration?.getTime() ?? Infinity) - this.#wallMs();
    if (endsInMs < REFRESH_BEFORE_MS && this.#wallMs() - this.#askedAtWallMs >= REFRESH_EVERY_MS) {
      this.#ask().catch(() => {
        // The old ones stay in use, even past their end: AWS then refuses, which is reported as such, and we ask again in a minute.
      });
    }
    return identity;
  };

  #ask(): Promise<AwsIdentity> {
    this.#askedAtWallMs = this.#wallMs();
    this.#asked ??= this.#chain({ forceRefresh: true }).then(
      (identity) => {
        this.#identity = identity;
        this.#asked = null;
        return identity;
      },
      (error: unknown) => {
        this.#asked = null;
        throw error;
      },
    );
    return this.#asked;
  }
}
