/** What several clusters in one AWS account have in common. */
import { RequestBuckets } from "../support/aws/ec2-limits.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Something worth a line in the transcript. */
export interface Line {
  readonly atMs: number;
  readonly who: string;
  readonly says: string;
}

/** What clusters of one AWS account share: the world's time, EC2's request limits, the transcript, and what is found broken. */
export class SimAccount {
  readonly time: VirtualTime;
  readonly buckets: RequestBuckets;
  readonly lines: Line[] = [];
  readonly broken: string[] = [];

  constructor(shared: { readonly time: VirtualTime; readonly buckets: RequestBuckets } = { time: new VirtualTime(), buckets: new RequestBuckets() }) {
    this.time = shared.time;
    this.buckets = shared.buckets;
  }
}
