/**
 * A process beside a live capture that keeps root's right to read /proc, which the capture gives up. It answers which
 * processes hold the sockets that it is asked about, and does nothing else. What it is asked comes from a process that
 * has read packets: nothing in it is trusted.
 */
import { closeSync, readdirSync, readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { ProcessFinder, type ProcessQuery } from "../../host/index.js";
import { MAX_QUERIES, type ProcessAnswer } from "./process-messages.js";

const MAX_ADDRESS_LENGTH = 45;
const MAX_PORT = 65_535;
const STANDARD_ERROR = 2;

/** Behind the capture, which must not lose packets for it: nice(2). */
const PRIORITY = 10;

closeInheritedSockets();
setPriority(0, PRIORITY);
const finder = new ProcessFinder({ now: () => performance.now() });

process.on("message", (question: unknown) => {
  const queries = readQuestion(question);
  if (queries === undefined) process.exit(1);
  // Not at once where the last look was just now: looking must not take up a core.
  setTimeout(() => {
    const answer: ProcessAnswer = { matches: finder.find(queries), unreadable: finder.unreadable };
    // Where nobody is left to take it, "disconnect" comes next.
    process.send!(answer, () => {});
  }, finder.pause);
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C is for the capture, which ends this process when it has its last answers.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.send!("ready");

/**
 * libpcap opens its sockets so that children inherit them, and the kernel goes on filling their buffers until the last
 * one who has them closes them.
 */
function closeInheritedSockets(): void {
  const { channel } = process as { readonly channel?: { readonly fd?: number } };
  // Only where it is known which one not to close.
  if (process.platform !== "linux" || channel?.fd === undefined) return;
  const folder = "/proc/self/fd";
  for (const descriptor of readdirSync(folder).map(Number)) {
    if (descriptor <= STANDARD_ERROR || descriptor === channel.fd) continue;
    if (isSocket(`${folder}/${descriptor}`)) closeSync(descriptor);
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    // The one that the folder was read by.
    return false;
  }
}

function readQuestion(question: unknown): ProcessQuery[] | undefined {
  if (!Array.isArray(question) || question.length > MAX_QUERIES) return undefined;
  const queries = question.map(readQuery);
  return queries.every((query) => query !== undefined) ? queries : undefined;
}

function readQuery(value: unknown): ProcessQuery | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { transport, local, remote } = value as Record<string, unknown>;
  const near = readEndpoint(local);
  const far = readEndpoint(remote);
  if (typeof transport !== "string" || near === undefined || far === undefined) return undefined;
  return transport === "tcp" || transport === "udp" ? { transport, local: near, remote: far } : undefined;
}

function readEndpoint(value: unknown): ProcessQuery["local"] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { address, port } = value as Record<string, unknown>;
  if (typeof address !== "string" || address.length > MAX_ADDRESS_LENGTH) return undefined;
  if (typeof port !== "number" || !Number.isInteger(port) || port < 0 || port > MAX_PORT) return undefined;
  return { address, port };
}
