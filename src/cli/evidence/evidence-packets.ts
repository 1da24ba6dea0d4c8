import { createHash } from "node:crypto";
import type { FileDigest } from "../../audit/evidence/index.js";
import type { CapturedPacket } from "../../base/index.js";
import { type InterfaceDetails, PcapngWriter } from "../../capture/index.js";
import { OutputFile } from "../output/output-file.js";

const FLUSH_AT = 256 * 1024;

/** `packets.pcapng`, with its digest. Throws what Node.js throws. */
export class EvidencePackets {
  readonly #file: OutputFile;
  readonly #writer = new PcapngWriter();
  readonly #hash = createHash("sha256");
  /** Numbers of interfaces in the file, by whatever tells them apart. */
  readonly #interfaces = new Map<string, number>();
  #packets = 0;
  #isOpen = true;

  constructor(path: string, application: string) {
    this.#file = new OutputFile(path);
    this.#writer.section({ application });
  }

  /** Bytes so far. */
  get size(): number {
    return this.#file.size + this.#writer.length;
  }

  packet(packet: CapturedPacket, details: InterfaceDetails, comment: string | undefined): void {
    const key = `${details.linkType} ${details.snaplen} ${details.name ?? ""}`;
    let id = this.#interfaces.get(key);
    if (id === undefined) {
      id = this.#interfaces.size;
      this.#interfaces.set(key, id);
      this.#writer.interface(details);
    }
    this.#writer.packet(packet, id, comment);
    this.#packets++;
    if (this.#writer.length >= FLUSH_AT) this.#flush();
  }

  finish(): FileDigest & { readonly packets: number } {
    this.#flush();
    this.close();
    return { bytes: this.#file.size, sha256: this.#hash.digest("hex"), packets: this.#packets };
  }

  /** Does nothing a second time. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  #flush(): void {
    const { bytes, length } = this.#writer;
    this.#hash.update(bytes.subarray(0, length));
    this.#file.write(bytes, length);
    this.#writer.clear();
  }
}
