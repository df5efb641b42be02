// A process for the aws namespace: accepts TCP connections on the two reference addresses and says nothing on them. An agent
// connects there to find out whether its own network works before it blames another node.
import { createServer } from "node:net";

for (const target of process.argv.slice(2)) {
  const [address = "", port = ""] = target.split(":");
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end();
  }).listen(Number(port), address, () => process.stdout.write(`listening ${target}\n`));
}
