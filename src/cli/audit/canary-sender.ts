import { randomInt } from "node:crypto";
import { type Canary, makeCanary } from "../../audit/index.js";
import { LeekError } from "../../base/index.js";
import { type FrameSender, openFrameSender } from "../../capture/index.js";
import { type HostInterface, listInterfaces } from "../../host/index.js";
import { parseAddress } from "../../net/index.js";
import { usageError } from "../arguments/usage-error.js";
import type { LiveSettings } from "../live/read-live.js";

/** The last one must come before the end. */
const LAST_MS = 500;
/** What makes one canary another. */
const MARKS = 2 ** 31;

/** The capture goes on for a moment behind the time that was asked for: in it the last canary comes. */
export function withLastCanary({ live, canary }: { live: LiveSettings; canary?: boolean }): LiveSettings {
  if (canary !== true) return live;
  if (live.duration === undefined) throw usageError("--canary needs to know the end.", "Give --duration, such as 10m.");
  return { ...live, duration: live.duration + (2 * LAST_MS) / 1000 };
}

/** Sends a canary on each interface of an audit, at its beginning and at its end. */
export class CanarySender {
  readonly #senders: FrameSender[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(interfaces: readonly string[], seconds: number, sent: Canary[]) {
    const faces = listInterfaces();
    const last: (() => void)[] = [];
    for (const name of interfaces) {
      const face = faces.find((it) => it.name === name);
      const sender = openFrameSender(name, requireIndex(name, face));
      this.#senders.push(sender);
      for (const source of addressesOf(face)) {
        const send = () => {
          const canary = makeCanary(source, randomInt(MARKS), macOf(face));
          // One that the system refuses is missed, as it should be.
          sender.send(canary.frame);
          sent.push(canary);
        };
        send();
        last.push(send);
      }
    }
    this.#timer = setTimeout(
      () => {
        for (const send of last) send();
      },
      seconds * 1000 - LAST_MS,
    );
  }

  /**
   * @param sent - Gets each canary as it is sent.
   * @throws {LeekError} LEEK_CANARY_INTERFACE for interfaces on which none can be sent; see openFrameSender.
   */
  static start({ interfaces, duration = 0 }: LiveSettings, sent: Canary[]): CanarySender {
    return new CanarySender(interfaces, duration, sent);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const sender of this.#senders) sender.close();
  }
}

function requireIndex(name: string, face: HostInterface | undefined): number {
  if (face?.index !== undefined && face.mac !== undefined && addressesOf(face).length > 0) return face.index;
  throw new LeekError(
    "LEEK_CANARY_INTERFACE",
    "usage",
    `Cannot send a canary on ${name}: it is no Ethernet with an address.`,
    {
      hint: "Audit the interface of the default route by its name; leek interfaces lists them.",
    },
  );
}

/** One for each IP version. */
function addressesOf(face: HostInterface | undefined) {
  return ([4, 6] as const).flatMap((version) => {
    const found = face?.addresses.find(({ family, address }) => family === version && !address.startsWith("fe80:"));
    return found === undefined ? [] : [parseAddress(found.address)!];
  });
}

function macOf(face: HostInterface | undefined): Uint8Array {
  return Buffer.from((face?.mac ?? "").replaceAll(":", ""), "hex");
}
