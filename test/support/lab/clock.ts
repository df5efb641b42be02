// One clock for all processes of the machine, so that marks taken in the caller's process and in the test can be compared.

/** The kernel's monotonic clock in milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
