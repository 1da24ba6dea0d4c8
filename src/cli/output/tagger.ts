import type { CapturedPacket } from "../../base/index.js";
import type { Classification } from "../../classify/index.js";
import { Analysis } from "../../pipeline/index.js";
import type { LoadNote } from "../../relays/index.js";
import { packetTag } from "../../report/index.js";
import { type PayloadOptions, payloadSettings } from "../arguments/payload-arguments.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";

interface CachedTag {
  readonly serial: number;
  readonly factsVersion: number;
  readonly classification: Classification;
  /** UTF-8. */
  readonly text: Uint8Array;
}

/**
 * Tags packets with their flow's class; the text of a tag is made once for a flow, and again when it gets a name or is
 * judged anew.
 */
export class Tagger {
  readonly #analysis: Analysis;
  readonly #tags: CachedTag[] = [];

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
  }

  /** Takes the packet into the analysis, and gives its tag in UTF-8. */
  tag(packet: CapturedPacket): Uint8Array {
    return this.tagOf(this.#analysis.observe(packet));
  }

  /** The tag of the last packet observed, which is of the flow in this row. */
  tagOf(row: number): Uint8Array {
    const analysis = this.#analysis;
    if (row < 0) return Buffer.from(packetTag(analysis.classificationOf(row), []));
    const serial = analysis.serialOf(row);
    const factsVersion = analysis.factsVersionOf(row);
    const cached = this.#tags[row];
    const classification = analysis.classificationOf(row);
    if (
      cached !== undefined &&
      cached.serial === serial &&
      cached.factsVersion === factsVersion &&
      cached.classification === classification
    ) {
      return cached.text;
    }
    const { names, facts } = analysis.recordOf(row);
    const text = Buffer.from(packetTag(classification, names, facts?.protocol));
    this.#tags[row] = { serial, factsVersion, classification, text };
    return text;
  }
}

/** What tags are made from, found before the first packet and read when its time is known. */
export class TagSources {
  readonly #sources: DirectorySources;
  readonly #payload: ReturnType<typeof payloadSettings>;

  /** @throws {LeekError} see DirectorySources. */
  constructor(options: DirectoryOptions & PayloadOptions) {
    this.#sources = new DirectorySources(options);
    this.#payload = payloadSettings(options);
  }

  get notes(): readonly LoadNote[] {
    return this.#sources.notes;
  }

  /** @param from - See DirectorySources.load. */
  async tagger(from: number | undefined): Promise<Tagger> {
    return new Tagger(new Analysis({ directory: await this.#sources.load(from), ...this.#payload }));
  }
}
