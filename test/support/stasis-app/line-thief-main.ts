// Takes the Stasis app's line to Asterisk away for a while: opens event sockets in the app's name, again and again, so that Asterisk tells
// this program what it would tell the app. Arguments: the URL of ARI's events with app and key, and for how long (ms).
import process from "node:process";
import { setTimeout as after } from "node:timers/promises";
import WebSocket from "ws";

const [url = "", forMs = "0"] = process.argv.slice(2);
const untilMs = performance.now() + Number(forMs);
while (performance.now() < untilMs) {
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => socket.once("open", resolve).once("error", reject));
  // The app takes it back within a moment.
  await Promise.race([new Promise((resolve) => socket.on("message", (data: Buffer) => { if (data.includes("ApplicationReplaced")) resolve(null); })), after(Math.max(0, untilMs - performance.now()))]);
  socket.terminate();
}
