import { type CapturedPacket, LeekError } from "../../base/index.js";
import { type BlockTime, type InterfaceDetails, type NameRecord, PcapngWriter } from "../../capture/index.js";
import { writeOutput } from "../output/output.js";
import { type FileOwner, OutputFile } from "../output/output-file.js";
import { createError, writeError } from "../output/output-file-errors.js";
import { FileRotation, type RotationOptions } from "./file-rotation.js";

/** `path` may be `-`, standard output, which does not rotate. */
export type CaptureFileOptions = RotationOptions;

/** Running totals of an interface since the capture began. */
export interface InterfaceCounters {
  readonly received: number;
  readonly droppedByKernel: number;
  readonly droppedByInterface: number;
}

/** An interface whose packets are written; CaptureInterface is one. */
export interface RecordedInterface {
  readonly linkType: number;
  readonly snaplen: number;
  readonly name: string | undefined;
  /** Read at the end of each file; undefined where the source cannot tell. */
  readonly statistics?: InterfaceCounters | undefined;
}

/** What the files say of the capture. */
export interface CaptureContext {
  /** Those of the packets, by index; may grow while packets are written. */
  readonly interfaces: readonly RecordedInterface[];
  /** The program with its version. */
  readonly application: string;
  readonly os?: string | undefined;
  readonly hardware?: string | undefined;
  /** The pcap-filter expression that all packets passed. */
  readonly filter?: string | undefined;
  /** The clock, in milliseconds since 1970-01-01 UTC: of -G and of the statistics. */
  readonly now: () => number;
}

/** So many bytes wait at most; written in pieces of this size, the memory stays in the cache. */
const FLUSH_AT = 256 * 1024;
const NO_COUNTERS: InterfaceCounters = { received: 0, droppedByKernel: 0, droppedByInterface: 0 };

/**
 * The file that keeps the packets of a capture, or files one after the other (see FileRotation). Each is a pcapng file
 * of its own: it begins with the interfaces and ends with their statistics, which count from its own beginning, so that
 * those of all files add up.
 *
 * Only whole blocks are written, when much waits and at each `flush`, so that a kill leaves a readable file. (Linux may
 * end a large write between two pages when the kill comes amid it: then the last block is cut short, no other.) The
 * first error of the disk is thrown; all calls after it do nothing.
 *
 * @example
 * file.open();
 * for (...) {
 *   if (file.turn() !== number) forgetWhatWasSaidInTheFileBefore();
 *   file.packet(packet, 0, comment);
 * }
 * file.close();
 */
export class CaptureFile {
  /** Counted from 1; names and comments of an earlier file are not in the present one. */
  fileNumber = 0;
  /** True when -W ends the capture: nothing more is written but the end of the last file. */
  done = false;

  readonly #options: CaptureFileOptions;
  readonly #context: CaptureContext;
  readonly #rotation: FileRotation;
  readonly #rotates: boolean;
  readonly #writer = new PcapngWriter();

  /** Undefined for standard output, and while no file is open. */
  #output: OutputFile | undefined;
  #isOpen = false;
  #failed = false;
  /** Interfaces that the present file describes. */
  #described = 0;
  #began: BlockTime = { seconds: 0, nanoseconds: 0 };
  /** By interface: packets in the present file, and the counters when it began. */
  #delivered: number[] = [];
  #counters: InterfaceCounters[] = [];
  /** Packets in the present file, without those that wait. */
  #packetsKept = 0;
  #packetsWaiting = 0;

  /** @throws {LeekError} LEEK_USAGE when standard output is to rotate, or the path is no pattern for -G. */
  constructor(options: CaptureFileOptions, context: CaptureContext) {
    this.#options = options;
    this.#context = context;
    this.#rotates = options.rotateBytes !== undefined || options.rotateSeconds !== undefined;
    if (this.#rotates && options.path === "-") {
      throw new LeekError("LEEK_USAGE", "usage", "-C and -G need a file: standard output cannot rotate.", {
        hint: "Name one with -w FILE.",
      });
    }
    this.#rotation = new FileRotation(options, context.now() / 1000);
    this.#rotation.path();
  }

  /**
   * Makes the first file, while leek has the rights for it.
   *
   * @param owner - Whom leek becomes: a new file is given to them, so that it can be removed and written anew.
   * @throws {LeekError} LEEK_OUTPUT_CREATE.
   */
  open(owner?: FileOwner): void {
    this.#beginFile(owner);
    this.flush();
  }

  /**
   * Begins the next file if it is time, as tcpdump does before each packet.
   *
   * @returns `fileNumber`.
   * @throws {LeekError} LEEK_OUTPUT_CREATE, LEEK_OUTPUT_IO.
   */
  turn(): number {
    if (!this.#rotates || !this.#takes) return this.fileNumber;
    const seconds = this.#seconds();
    if (this.#rotation.isOver(seconds)) {
      this.done = true;
    } else if (this.#rotation.moveOn(seconds, this.#output!.size + this.#writer.length)) {
      this.#endFile();
      this.#beginFile();
    }
    return this.fileNumber;
  }

  /**
   * Keeps a packet; allocates nothing without a comment.
   *
   * @param interfaceIndex - Into the interfaces of the context.
   * @throws {LeekError} LEEK_OUTPUT_IO.
   */
  packet(packet: CapturedPacket, interfaceIndex: number, comment?: string): void {
    if (!this.#takes) return;
    if (interfaceIndex >= this.#described) this.#describe(interfaceIndex + 1);
    this.#writer.packet(packet, interfaceIndex, comment);
    this.#delivered[interfaceIndex]! += 1;
    this.#packetsWaiting += 1;
    if (this.#writer.length >= FLUSH_AT) this.#write();
  }

  /** Keeps names of addresses. @throws {LeekError} LEEK_OUTPUT_IO. */
  names(records: readonly NameRecord[]): void {
    if (!this.#takes) return;
    this.#writer.names(records);
    if (this.#writer.length >= FLUSH_AT) this.#write();
  }

  /**
   * Writes what waits; called when packets pause. Sees, too, that the time of the last file is over while no packet
   * comes, for which tcpdump would wait.
   *
   * @throws {LeekError} LEEK_OUTPUT_IO.
   */
  flush(): void {
    if (!this.#takes) return;
    this.#write();
    if (this.#rotation.isOver(this.#seconds())) this.done = true;
  }

  /** Writes the statistics and closes the file. Does nothing a second time. @throws {LeekError} LEEK_OUTPUT_IO. */
  close(): void {
    if (this.#isOpen) this.#endFile();
  }

  get #takes(): boolean {
    return this.#isOpen && !this.#failed && !this.done;
  }

  /** The clock, where something depends on it. */
  #seconds(): number {
    return this.#options.rotateSeconds === undefined ? 0 : this.#context.now() / 1000;
  }

  #beginFile(owner?: FileOwner): void {
    const path = this.#rotation.path();
    if (path !== "-") {
      try {
        this.#output = new OutputFile(path, owner);
      } catch (error) {
        this.#failed = true;
        throw createError(error, path);
      }
    }
    this.#isOpen = true;
    this.fileNumber += 1;
    this.#packetsKept = 0;
    this.#described = 0;
    this.#delivered = [];
    this.#began = blockTime(this.#context.now());
    const { application, os, hardware, interfaces } = this.#context;
    this.#writer.section({ application, os, hardware });
    this.#describe(interfaces.length);
  }

  /** Writes interface blocks up to that of `count`. */
  #describe(count: number): void {
    const { interfaces, filter, os } = this.#context;
    while (this.#described < count) {
      const { linkType, snaplen, name } = interfaces[this.#described]!;
      const details: InterfaceDetails = { linkType, snaplen, name, filter, os };
      this.#writer.interface(details);
      this.#delivered.push(0);
      this.#described += 1;
    }
  }

  #endFile(): void {
    try {
      if (!this.#failed) {
        this.#writeStatistics();
        this.#write();
      }
    } finally {
      this.#isOpen = false;
      this.#closeOutput();
    }
  }

  #writeStatistics(): void {
    const end = blockTime(this.#context.now());
    for (let index = 0; index < this.#described; index += 1) {
      const counters = this.#context.interfaces[index]!.statistics;
      const before = this.#counters[index] ?? NO_COUNTERS;
      this.#writer.statistics(index, end, {
        start: this.#began,
        end,
        delivered: this.#delivered[index],
        ...(counters === undefined ? {} : difference(counters, before)),
      });
      // A copy: the source may go on counting in the same object.
      if (counters !== undefined) this.#counters[index] = { ...counters };
    }
  }

  #write(): void {
    const { bytes, length } = this.#writer;
    if (length === 0) return;
    const sizeBefore = this.#output?.size ?? 0;
    try {
      if (this.#output === undefined) writeOutput(bytes, length);
      else this.#output.write(bytes, length);
      this.#packetsKept += this.#packetsWaiting;
    } catch (error) {
      this.#failed = true;
      throw this.#output === undefined ? error : this.#writeError(error, this.#output, sizeBefore);
    } finally {
      this.#writer.clear();
      this.#packetsWaiting = 0;
    }
  }

  /** Leaves whole blocks in the file, and counts their packets. */
  #writeError(error: unknown, output: OutputFile, sizeBefore: number): LeekError {
    const { bytes, packets } = this.#writer.wholeBlocks(output.size - sizeBefore);
    output.cut(sizeBefore + bytes);
    return writeError(error, output.path, this.#packetsKept + packets);
  }

  #closeOutput(): void {
    const output = this.#output;
    this.#output = undefined;
    try {
      output?.close();
    } catch (error) {
      // Only some network file systems tell so late that they lost what they took.
      if (!this.#failed) throw writeError(error, output!.path, undefined);
    }
  }
}

function blockTime(milliseconds: number): BlockTime {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

function difference(now: InterfaceCounters, before: InterfaceCounters): InterfaceCounters {
  return {
    received: now.received - before.received,
    droppedByKernel: now.droppedByKernel - before.droppedByKernel,
    droppedByInterface: now.droppedByInterface - before.droppedByInterface,
  };
}
