import { join } from "node:path";
import {
  EvidenceRedaction,
  type FileDigest,
  FindingFlows,
  findingKey,
  type Manifest,
  type ManifestConsensus,
  type ManifestFinding,
  type ManifestOptions,
  manifestText,
  needsProof,
  redactDocument,
  sha256Of,
} from "../../audit/evidence/index.js";
import { type AuditReport, PRESET_NAMES } from "../../audit/index.js";
import { escapeText, LeekError } from "../../base/index.js";
import type { SourceInfo } from "../../capture/index.js";
import type { PacketFilter } from "../../filter/index.js";
import { spanOf } from "../../pipeline/index.js";
import type { AuditArguments } from "../arguments/audit-arguments.js";
import { checkEvidence, type EvidenceArguments, limitBytes } from "../arguments/evidence-arguments.js";
import type { DirectoryOptions } from "../directory/directory-options.js";
import { readCaptures } from "../reading/read-capture.js";
import { version } from "../version.js";
import { captureChanged, EvidenceCaptures } from "./evidence-captures.js";
import { consensusDigest, fileDigest } from "./evidence-digests.js";
import { checkEmpty, EvidenceFolder, writeFailure } from "./evidence-folder.js";
import { EvidenceKeeper } from "./evidence-keeper.js";
import { EvidencePackets } from "./evidence-packets.js";

export interface EvidenceOptions extends DirectoryOptions, AuditArguments, EvidenceArguments {
  readonly headersOnly?: boolean;
  readonly filter: string | undefined;
  readonly count: number | undefined;
}

interface KeptPackets {
  readonly digest: FileDigest & { readonly packets: number };
  readonly keeper: EvidenceKeeper;
}

/**
 * Keeps what proves the findings of an audit in a folder: their packets, by reading the captures a second time; the report;
 * and a manifest with the digests of all that they were made from. What a live audit recorded is read as a capture, too.
 *
 * @example
 * const evidence = await EvidenceWriter.start(paths, options);
 * new LeakAudit({ ..., onFinding: evidence.onFinding }, ...);
 * await evidence.write(report, filter);
 */
export class EvidenceWriter {
  readonly #paths: readonly string[];
  /** Undefined as long as they are being recorded. */
  #captures: EvidenceCaptures | undefined;
  readonly #options: EvidenceOptions;
  readonly #folderPath: string;
  readonly #flows = new FindingFlows();

  private constructor(paths: readonly string[], options: EvidenceOptions, folderPath: string) {
    this.#paths = paths;
    this.#options = options;
    this.#folderPath = folderPath;
  }

  /**
   * Before the captures are read.
   *
   * @returns undefined without --evidence.
   * @throws {LeekError} LEEK_USAGE when there is something in the folder, or a capture cannot be read twice; LEEK_FILE_*.
   */
  static async start(paths: readonly string[], options: EvidenceOptions): Promise<EvidenceWriter | undefined> {
    checkEvidence(options, false);
    if (options.evidence === undefined) return undefined;
    await checkEmpty(options.evidence);
    const writer = new EvidenceWriter(paths, options, options.evidence);
    writer.#captures = new EvidenceCaptures(paths);
    return writer;
  }

  /**
   * Before a live audit, which records all packets that it judges, in their order, with -w. The file must be closed when
   * `write` is called.
   *
   * @returns undefined without --evidence.
   * @throws {LeekError} LEEK_USAGE when there is something in the folder, or nothing is recorded.
   */
  static async startLive(options: EvidenceOptions): Promise<EvidenceWriter | undefined> {
    checkEvidence(options, true);
    const { evidence, w } = options;
    if (evidence === undefined || w === undefined) return undefined;
    await checkEmpty(evidence);
    return new EvidenceWriter([w], options, evidence);
  }

  /** For AuditOptions. */
  get onFinding(): FindingFlows["add"] {
    return this.#flows.add;
  }

  /**
   * After the report was made, and best after it was printed: the folder is there whole, or not at all.
   *
   * @param filter - That of an audit of files: their packets passed it after they were recorded.
   * @returns A sentence for people on what was kept, and what was not.
   * @throws {LeekError} LEEK_EVIDENCE_*, LEEK_FILE_*, and as readCaptures.
   */
  async write(report: AuditReport, filter: PacketFilter | undefined): Promise<string> {
    this.#captures ??= new EvidenceCaptures(this.#paths);
    const folder = await EvidenceFolder.create(this.#folderPath);
    try {
      const redaction =
        this.#options.redact === true ? new EvidenceRedaction(report, this.#flows.addresses) : undefined;
      const { digest, keeper } = await this.#writePackets(folder, report, filter, redaction);
      const findings = await this.#findingsText(report, redaction);
      await folder.write("findings.json", findings);
      const captures = (await this.#captures.digests()).map(({ path, ...digest }) => ({
        name: redaction?.names.word("capture-", path) ?? path,
        ...digest,
      }));
      const manifest: Manifest = {
        schema: "leek/evidence@1",
        leek: version(),
        redacted: redaction !== undefined,
        verdict: report.verdict,
        options: this.#manifestOptions(report, redaction),
        captures,
        consensuses: consensusesOf(report, redaction),
        certificates: await this.#certificates(redaction),
        policy: await this.#policy(redaction),
        files: {
          "packets.pcapng": digest,
          "findings.json": { bytes: Buffer.byteLength(findings), sha256: sha256Of(findings) },
        },
        findings: this.#findings(report, keeper),
        packets: keeper.numbers.runs,
        leftOut: { ...keeper.leftOut, flows: this.#flows.leftOut },
      };
      await folder.write("manifest.json", manifestText(manifest));
      await folder.finish();
      return this.#note(digest.packets, manifest.leftOut);
    } finally {
      await folder.discard();
    }
  }

  #note(packets: number, leftOut: Manifest["leftOut"]): string {
    const kept = `Kept ${packets} packet${packets === 1 ? "" : "s"} as evidence in ${escapeText(this.#folderPath)}`;
    if (leftOut.packets === 0 && leftOut.flows === 0) return `${kept}.`;
    return `${kept}; ${leftOut.packets} packets and ${leftOut.flows} flows did not fit (--evidence-limit).`;
  }

  async #writePackets(
    folder: EvidenceFolder,
    report: AuditReport,
    filter: PacketFilter | undefined,
    redaction: EvidenceRedaction | undefined,
  ): Promise<KeptPackets> {
    const path = join(folder.aside, "packets.pcapng");
    const file = this.#writing(() => new EvidencePackets(path, `leek ${version()}`));
    try {
      const keeper = new EvidenceKeeper(file, this.#flows, report, limitBytes(this.#options), redaction);
      // The audit may have been stopped early.
      let left = report.analysis.packets;
      let infos: readonly SourceInfo[] = [];
      await readCaptures(this.#paths, {
        async start(source) {
          infos = source.infos;
        },
        packet: (packet) => {
          if (left === 0) return false;
          if (filter !== undefined && !filter.matches(packet)) return true;
          this.#writing(() => keeper.packet(packet, infos));
          return --left > 0;
        },
        batch() {},
      });
      if (left > 0) throw captureChanged();
      return { digest: this.#writing(() => file.finish()), keeper };
    } finally {
      file.close();
    }
  }

  /** @throws {LeekError} LEEK_EVIDENCE_WRITE in place of what Node.js throws. */
  #writing<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      throw error instanceof LeekError ? error : writeFailure(error, this.#folderPath);
    }
  }

  async #findingsText(report: AuditReport, redaction: EvidenceRedaction | undefined): Promise<string> {
    const { auditDocument } = await import("../../report/audit/index.js");
    const document = auditDocument(report, version());
    const shown = redaction === undefined ? document : redactDocument(document, redaction.names);
    return `${JSON.stringify(shown, undefined, 2)}\n`;
  }

  #manifestOptions({ node, role, policy }: AuditReport, redaction: EvidenceRedaction | undefined): ManifestOptions {
    const options = this.#options;
    const nodes = node.inferred ? null : node.addresses;
    const filter = options.filter ?? null;
    return {
      nodes: redaction === undefined || nodes === null ? nodes : redaction.nodes(),
      role,
      severities: Object.fromEntries(policy.severities),
      trustUnverified: options.trustUnverified === true,
      expectBootstrap: options.expectBootstrap === true,
      headersOnly: options.headersOnly === true,
      drops: options.drops ?? null,
      filter: redaction === undefined || filter === null ? filter : redaction.names.word("redacted-", filter),
      count: options.count ?? null,
      bridges: (options.bridge?.length ?? 0) + (options.torrc?.length ?? 0) + policy.bridges.length,
    };
  }

  async #certificates(redaction: EvidenceRedaction | undefined): Promise<Manifest["certificates"]> {
    const digests: Manifest["certificates"][number][] = [];
    for (const path of this.#options.certs ?? []) {
      const name = redaction?.names.word("certificates-", path) ?? path;
      digests.push({ name, ...(await fileDigest(path, "certificates")) });
    }
    return digests;
  }

  /** A preset has a name and no file. */
  async #policy(redaction: EvidenceRedaction | undefined): Promise<Manifest["policy"]> {
    const { policy } = this.#options;
    if (policy === undefined) return null;
    if (redaction !== undefined) return { name: redaction.names.word("redacted-", policy), sha256: null };
    const isPreset = PRESET_NAMES.some((name) => name === policy);
    return { name: policy, sha256: isPreset ? null : (await fileDigest(policy, "policy")).sha256 };
  }

  #findings({ findings }: AuditReport, { firsts }: EvidenceKeeper): ManifestFinding[] {
    return findings.flatMap((finding, index) => {
      if (!needsProof(finding.severity)) return [];
      const { rule, severity } = finding;
      const flows = this.#flows.firstPacketsOf(findingKey(finding)).flatMap((first) => firsts.get(first) ?? []);
      return [{ finding: index, rule, severity, flows }];
    });
  }
}

function consensusesOf({ analysis }: AuditReport, redaction: EvidenceRedaction | undefined): ManifestConsensus[] {
  return analysis.directory.documentsFor(spanOf(analysis)).map(({ source, flavor, validAfter }) => ({
    source: redaction?.names.word("consensus-", source) ?? source,
    flavor,
    validAfter,
    sha256: consensusDigest(source) ?? null,
  }));
}
