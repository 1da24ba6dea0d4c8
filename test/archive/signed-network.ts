import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { Archive } from "../../src/archive/index.js";
import { AuthoritySet } from "../../src/relays/index.js";
import { authorityOf, makeAuthority, makeCertificate, signDocument } from "../relays/signed-documents.js";

/** 2026-11-22 10:00:00 UTC. */
export const TEN = Date.UTC(2026, 10, 22, 10) / 1000;
export const HOUR = 3600;

/** A network of three authorities. */
export const authorities = ["one", "two", "three"].map(makeAuthority);
export const network = AuthoritySet.of(authorities.map(authorityOf));
export const certificates = authorities.map((it) => makeCertificate(it)).join("");
export const relays = generateRelays({ count: 20 });

/** As the network's torrc has them. */
export const torrc = authorities
  .map((it) => `DirAuthority ${it.nickname} v3ident=${it.v3Identity} 192.0.2.1:80 ${it.v3Identity}\n`)
  .join("");

export interface ConsensusTraits {
  readonly flavor?: "ns" | "microdesc";
  /** How many of the three sign. */
  readonly signers?: number;
  readonly annotated?: boolean;
  readonly relays?: typeof relays;
}

export function consensus(validAfter: number, traits: ConsensusTraits = {}): Buffer {
  const { flavor = "microdesc", signers = 3, annotated = true } = traits;
  const text = formatConsensus(traits.relays ?? relays, { flavor, validAfter, annotated });
  return Buffer.from(signDocument(text, authorities.slice(0, signers), flavor === "ns" ? "sha1" : "sha256"), "latin1");
}

export const exitList = Buffer.from(`@type tordnsel 1.0
Downloaded 2026-11-22 10:02:00
ExitNode 000102030405060708090A0B0C0D0E0F10111213
Published 2026-11-22 03:10:00
LastStatus 2026-11-22 09:00:00
ExitAddress 192.0.2.77 2026-11-22 09:05:00
ExitAddress 192.0.2.78 2026-11-22 09:06:00
`);

/** A folder that is removed after the tests of the file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "leek-archive-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openArchive(directory: string, isRunning: (processId: number) => boolean = () => true): Archive {
  return Archive.open(directory, { authorities: network, writer: { processId: 4711, isRunning, now: Date.now } });
}
