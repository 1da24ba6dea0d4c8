import {
  type EvidenceRedaction,
  type FindingFlows,
  FlowNumbers,
  isRedactable,
  needsProof,
  PacketNumbers,
  redactPacket,
} from "../../audit/evidence/index.js";
import type { AuditReport } from "../../audit/index.js";
import { type CapturedPacket, LeekError, linkTypeName } from "../../base/index.js";
import type { InterfaceDetails, SourceInfo } from "../../capture/index.js";
import type { EvidencePackets } from "./evidence-packets.js";

/** Of each flow these come first when the room is scarce: they say what it is. */
const BEGINNING_PACKETS = 32;
/** Of the room, for all others. */
const SHARE_OF_OTHERS = 3 / 4;
/** Around a packet in pcapng, without its comment. */
const BLOCK_BYTES = 64;

/** Keeps the packets of findings, as long as there is room. */
export class EvidenceKeeper {
  readonly numbers = new PacketNumbers();
  /** First packets of flows: number in the capture, and in the evidence. */
  readonly firsts = new Map<number, number>();
  readonly leftOut = { packets: 0, bytes: 0 };
  readonly #file: EvidencePackets;
  readonly #flows: FindingFlows;
  readonly #proof: ReadonlySet<number>;
  readonly #limit: number;
  readonly #redaction: EvidenceRedaction | undefined;
  readonly #flowNumbers = new FlowNumbers();
  /** By first packet: packets seen of the flow. */
  readonly #seen = new Map<number, number>();

  /** @param limit - Bytes. */
  constructor(
    file: EvidencePackets,
    flows: FindingFlows,
    { findings }: AuditReport,
    limit: number,
    redaction: EvidenceRedaction | undefined,
  ) {
    this.#file = file;
    this.#flows = flows;
    this.#proof = new Set(findings.flatMap(({ severity, proof }) => (needsProof(severity) ? proof : [])));
    this.#limit = limit;
    this.#redaction = redaction;
  }

  /**
   * Each packet of the audit, in its order.
   *
   * @param infos - Of the source.
   * @throws {LeekError} LEEK_EVIDENCE_LINK_TYPE, LEEK_EVIDENCE_TOO_LARGE; and what Node.js throws.
   */
  packet(packet: CapturedPacket, infos: readonly SourceInfo[]): void {
    const firstPacket = this.#flowNumbers.firstPacketOf(packet);
    const keys = firstPacket === undefined ? undefined : this.#flows.keysOf(firstPacket);
    if (firstPacket === undefined || keys === undefined) return;
    const seen = this.#seen.get(firstPacket) ?? 0;
    this.#seen.set(firstPacket, seen + 1);
    const isMarked = packet.number === firstPacket || this.#proof.has(packet.number);
    const comment = isMarked ? this.#comment(keys) : undefined;
    const captured = packet.end - packet.start;
    const size = captured + BLOCK_BYTES + Buffer.byteLength(comment ?? "");
    const room = isMarked || seen < BEGINNING_PACKETS ? this.#limit : this.#limit * SHARE_OF_OTHERS;
    if (this.#file.size + size > room) {
      this.leftOut.packets++;
      this.leftOut.bytes += captured;
      return;
    }
    const number = this.numbers.add(packet.number);
    if (packet.number === firstPacket) this.firsts.set(firstPacket, number);
    const details = interfaceOf(packet, infos, this.#redaction !== undefined);
    this.#file.packet(this.#redaction === undefined ? packet : redacted(packet, this.#redaction), details, comment);
  }

  /** `leek: finding dns, leak: Names are looked up outside of Tor.` */
  #comment(keys: readonly string[]): string {
    const lines = keys.map((key) => {
      const [rule, severity, title = ""] = key.split("\0");
      return `leek: finding ${rule}, ${severity}: ${this.#redaction?.names.sentence(title) ?? title}`;
    });
    return lines.join("\n");
  }
}

function redacted(packet: CapturedPacket, { map }: EvidenceRedaction): CapturedPacket {
  if (isRedactable(packet.linkType)) return redactPacket(packet, map);
  const name = linkTypeName(packet.linkType);
  throw new LeekError("LEEK_EVIDENCE_LINK_TYPE", "usage", `Packets of link type ${name} cannot be redacted.`, {
    hint: "Leave --redact out; or record on Ethernet, on any, or on an interface that gives bare IP packets.",
  });
}

/** Of several captures, nothing tells which one's interface it is: then the link type is all that is known. */
function interfaceOf(
  { linkType, interfaceIndex }: CapturedPacket,
  infos: readonly SourceInfo[],
  isRedacted: boolean,
): InterfaceDetails {
  const face = infos.length === 1 ? infos[0]!.interfaces[interfaceIndex] : undefined;
  const details = { linkType, snaplen: face?.snaplen ?? 0 };
  return isRedacted ? details : { ...details, name: face?.name };
}
