/** A small client of tor's control port (control-spec): cookie authentication, one command, one reply. */

import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/**
 * Runs inside the namespace of the tor in question.
 *
 * @param {{ host: string, port: number, cookieFile: string }} where
 * @param {readonly string[]} commands - Without line ends; sent one after the other's reply.
 * @returns {Promise<{ localPort: number, replies: string[][] }>} The reply lines of each command.
 */
export async function askTor({ host, port, cookieFile }, commands) {
  const cookie = (await readFile(cookieFile)).toString("hex");
  const socket = connect({ host, port });
  // An iterator, because replies are read one at a time and must not be lost in between.
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const replies = [];
  for (const command of [`AUTHENTICATE ${cookie}`, ...commands]) {
    socket.write(`${command}\r\n`);
    replies.push(await readReply(lines, command));
  }
  const localPort = socket.localPort ?? 0;
  socket.end("QUIT\r\n");
  return { localPort, replies: replies.slice(1) };
}

/**
 * @param {AsyncIterator<string>} lines
 * @param {string} command - For the error.
 */
async function readReply(lines, command) {
  const reply = [];
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`tor closed the control connection after ${command}`);
    reply.push(value);
    // "250 OK" ends a reply, "250-..." and "250+..." go on (control-spec §2.3).
    if (/^\d{3} /.test(value)) break;
  }
  if (!reply.at(-1)?.startsWith("250")) throw new Error(`tor refused ${command}: ${reply.at(-1)}`);
  return reply;
}
