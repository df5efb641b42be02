// Two connections made one: what comes in at one end goes out at the other, and the end of one is the end of both.
import type { Socket } from "node:net";

export function splice(near: Socket, far: Socket): void {
  for (const [one, other] of [[near, far], [far, near]] as const) {
    one.setNoDelay(true);
    one.pipe(other);
    // A broken end breaks the other; there is nobody to tell.
    one.on("error", () => { other.destroy(); });
    one.on("close", () => { other.destroy(); });
  }
}
