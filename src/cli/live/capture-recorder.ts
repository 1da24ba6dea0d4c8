import type { CapturedPacket } from "../../base/index.js";
import type { SourceInfo } from "../../capture/index.js";
import type { FlowClass } from "../../classify/index.js";
import { parseAddress } from "../../net/index.js";
import type { Analysis } from "../../pipeline/index.js";
import { flowComment } from "../../report/index.js";
import { version } from "../version.js";
import { CaptureFile, type CaptureFileOptions } from "./capture-file.js";
import type { Identity } from "./privileges.js";

/** Names written into one file at most; who scans ports must not fill memory. */
const MAX_NAMES = 65_536;

/** Keeps the packets of an analysis in files, with what leek knows of their flows. */
export class CaptureRecorder {
  readonly #file: CaptureFile;
  readonly #analysis: Analysis;
  #fileNumber = 0;
  // By row: the serial of the flow that the present file has a comment for, its class, and what it had told by then.
  #commented: number[] = [];
  #classes: FlowClass[] = [];
  #factsVersions: number[] = [];
  #named = new Set<string>();

  /**
   * Makes the first file.
   *
   * @param owner - Whom leek is about to become.
   * @throws {LeekError} see CaptureFile.
   */
  constructor(
    options: CaptureFileOptions,
    analysis: Analysis,
    infos: readonly SourceInfo[],
    filter: string | undefined,
    owner: Identity | undefined,
  ) {
    this.#analysis = analysis;
    const interfaces = infos.flatMap((info) => info.interfaces);
    this.#file = new CaptureFile(options, { interfaces, application: `leek ${version()}`, filter, now: Date.now });
    this.#file.open(owner);
  }

  /** True when -W has ended the capture. */
  get done(): boolean {
    return this.#file.done;
  }

  /**
   * @param row - Of the packet's flow; -1 for a frame without one.
   * @throws {LeekError} see CaptureFile; the first time only.
   */
  packet(packet: CapturedPacket, row: number): void {
    const number = this.#file.turn();
    if (number !== this.#fileNumber) {
      this.#fileNumber = number;
      this.#commented = [];
      this.#named = new Set();
    }
    this.#file.packet(packet, packet.interfaceIndex, row < 0 ? undefined : this.#introduction(row));
  }

  /** @throws {LeekError} as `packet`. */
  flush(): void {
    this.#file.flush();
  }

  /** @throws {LeekError} as `packet`. */
  close(): void {
    this.#file.close();
  }

  /**
   * Writes the names of a flow that is new to this file, or has told more of itself, and gives the comment for the packet
   * that begins it, or that gave it another class.
   */
  #introduction(row: number): string | undefined {
    const analysis = this.#analysis;
    const serial = analysis.serialOf(row);
    const isNew = this.#commented[row] !== serial;
    const factsVersion = analysis.factsVersionOf(row);
    const { flowClass } = analysis.classificationOf(row);
    const hasOtherClass = this.#classes[row] !== flowClass;
    if (!isNew && !hasOtherClass && this.#factsVersions[row] === factsVersion) return undefined;
    this.#commented[row] = serial;
    this.#factsVersions[row] = factsVersion;
    this.#classes[row] = flowClass;
    const { classification, names, remote } = analysis.recordOf(row);
    const [evidence] = classification.evidence;
    const nickname = evidence !== undefined && "nickname" in evidence ? evidence.nickname : undefined;
    const known = nickname === undefined ? names : [nickname, ...names];
    const key = `${remote.endpoint.address} ${known.join(" ")}`;
    if (known.length > 0 && this.#named.size < MAX_NAMES && !this.#named.has(key)) {
      this.#named.add(key);
      this.#file.names([{ address: parseAddress(remote.endpoint.address)!, names: known }]);
    }
    return isNew || hasOtherClass ? flowComment(classification, names) : undefined;
  }
}
