import { platform } from "node:os";
import { escapeText, LeekError } from "../../base/index.js";
import { loadLibpcap } from "./library.js";

// Of Linux: packet(7).
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCKADDR_LL_BYTES = 20;

/**
 * Sends frames on one interface as they are, past routes and firewall. Receives nothing, and so costs nothing while it is
 * open. Takes root's rights, or CAP_NET_RAW, at the opening only.
 */
export interface FrameSender {
  /** @returns false when the system refused it. */
  send(frame: Uint8Array): boolean;
  close(): void;
}

/**
 * @param interfaceIndex - As the system counts interfaces.
 * @throws {LeekError} LEEK_SEND_UNSUPPORTED off Linux, LEEK_SEND_PERMISSION.
 */
export function openFrameSender(name: string, interfaceIndex: number): FrameSender {
  if (platform() !== "linux") {
    throw new LeekError("LEEK_SEND_UNSUPPORTED", "unavailable", "Frames can be sent on Linux only.");
  }
  const { koffi } = loadLibpcap();
  const c = koffi.load(null);
  const socket = c.func("socket", "int", ["int", "int", "int"]);
  const sendto = c.func("sendto", "long", ["int", "void *", "size_t", "int", "void *", "uint32_t"]);
  const close = c.func("close", "int", ["int"]);
  // Protocol 0: the kernel hands nothing over.
  const descriptor: number = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    throw new LeekError(
      "LEEK_SEND_PERMISSION",
      "permission",
      `Cannot send on ${escapeText(name)}: permission denied.`,
      {
        hint: "Run with sudo, or leave --canary out.",
      },
    );
  }
  const address = Buffer.alloc(SOCKADDR_LL_BYTES);
  // `struct sockaddr_ll`: sll_family, sll_protocol, sll_ifindex.
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(interfaceIndex, 4);
  return {
    send: (frame) => sendto(descriptor, frame, frame.length, 0, address, address.length) === frame.length,
    close: () => void close(descriptor),
  };
}
