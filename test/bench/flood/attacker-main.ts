/**
 * A stranger who floods the heartbeat port: `attacker-main.ts MODE HOST PORT SECONDS`. Runs in a network of its own and
 * prints what it did as one line of JSON. It knows no key; everything that it can do without one, it does.
 */
import { connect, type Socket } from "node:net";
import process from "node:process";

const [mode = "", host = "", port = "0", seconds = "10"] = process.argv.slice(2);
/** How a member begins, as node sends it; the identity and key that would have to follow are what a stranger lacks. */
const CLIENT_HELLO = Buffer.from("1603010079010000750303ec0a3a8e45970cc0acddbced919667f7fb98c9cc429251b8b520edd2a0464445000004ccac00ff01000048000b000403000102000a00060004001d00170016000000170000000d002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602", "hex");
/** The largest record that TLS has, of a handshake message that says that it is 16 MB long. */
const HUGE_RECORD = Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0xff, 0xff, 0xff]), Buffer.alloc(16_380, 0x41)]);

interface Attack {
  /** Connections that are kept under way at once. */
  readonly atOnce: number;
  /** A connection that the other side leaves open is given up after so long (ms). */
  readonly patienceMs: number;
  begin(socket: Socket): void;
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  handshakes: { atOnce: 400, patienceMs: 1_000, begin: (socket) => void socket.write(CLIENT_HELLO) },
  trickle: { atOnce: 1_000, patienceMs: 60_000, begin: (socket) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (socket.writable && sent < CLIENT_HELLO.length) socket.write(CLIENT_HELLO.subarray(sent, (sent += 1)));
    }, 1_000);
    socket.once("close", () => { clearInterval(timer); });
  } },
  huge: { atOnce: 100, patienceMs: 2_000, begin: (socket) => {
    const pour = (): void => { while (socket.writable && socket.write(HUGE_RECORD)); };
    socket.on("drain", pour);
    pour();
  } },
};

const attack = ATTACKS[mode];
if (attack === undefined) throw new Error(`no such attack: ${mode}; there are ${Object.keys(ATTACKS).join(", ")}`);
const startedAtMs = performance.now();
const untilMs = startedAtMs + Number(seconds) * 1_000;
const done = { connections: 0, established: 0, refused: 0, bytes: 0 };
let open = 0;

function dial(current: Attack): void {
  open += 1;
  done.connections += 1;
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.setTimeout(current.patienceMs, () => socket.destroy());
  socket.once("connect", () => {
    done.established += 1;
    current.begin(socket);
  });
  socket.on("error", () => { done.refused += 1; });
  // Reading nothing would leave the other side's goodbye in the kernel.
  socket.resume();
  socket.once("close", () => {
    open -= 1;
    done.bytes += socket.bytesWritten;
  });
}

function keepAtIt(current: Attack): void {
  if (performance.now() >= untilMs) {
    process.stdout.write(`${JSON.stringify({ ...done, seconds: (performance.now() - startedAtMs) / 1_000 })}\n`, () => process.exit(0));
    return;
  }
  for (let more = current.atOnce - open; more > 0; more -= 1) dial(current);
  setImmediate(() => { keepAtIt(current); });
}

keepAtIt(attack);
