import { parseUtcTime } from "../base/index.js";
import type { ConsensusFlavor } from "../relays/index.js";

/** What an archive keeps, besides certificates: all of it has a time. */
export type DocumentKind = ConsensusFlavor | "exit-list";

/** Folder of key certificates. */
export const CERTIFICATES_FOLDER = "certs";

/** Files of our own begin so; they are no documents, and nobody else's are removed. */
export const OWN_PREFIX = ".leek-";

const INDEX_PREFIX = `${OWN_PREFIX}index`;

const SECONDS_PER_DAY = 86_400;

interface Layout {
  /** Before `-YYYY-MM` in the name of a month's folder. */
  readonly prefix: string;
  /** Between a month and its days. */
  readonly middle: string;
  /** After the time in the name of a document. */
  readonly suffix: string;
}

/** CollecTor's, as its monthly archives unpack. */
const LAYOUTS: Readonly<Record<DocumentKind, Layout>> = {
  ns: { prefix: "consensuses", middle: "", suffix: "-consensus" },
  microdesc: { prefix: "microdescs", middle: "consensus-microdesc", suffix: "-consensus-microdesc" },
  "exit-list": { prefix: "exit-list", middle: "", suffix: "" },
};

export const DOCUMENT_KINDS: readonly DocumentKind[] = ["ns", "microdesc", "exit-list"];

/** A folder of documents, its parts from the archive's own downwards, and the name in it, without `.gz`. */
export interface Place {
  readonly folder: readonly string[];
  readonly name: string;
}

/** @param seconds - Since 1970-01-01 UTC, of a four-digit year. */
export function placeOf(kind: DocumentKind, seconds: number): Place {
  const { prefix, middle, suffix } = LAYOUTS[kind];
  const time = timeName(seconds);
  const month = `${prefix}-${time.slice(0, 7)}`;
  const day = time.slice(8, 10);
  return { folder: middle === "" ? [month, day] : [month, middle, day], name: time + suffix };
}

/** @param identity - 40 hex digits. */
export function certificatePlace(identity: string, published: number): Place {
  return { folder: [CERTIFICATES_FOLDER], name: `${identity}-${timeName(published)}` };
}

/** Whether a time can stand in a name. */
export function isNameable(seconds: number): boolean {
  return seconds >= 0 && seconds < Date.UTC(10_000, 0) / 1000;
}

/** The first and last second of a folder of the archive, when it is the one of a month with such documents. */
export function monthOf(
  kind: DocumentKind,
  name: string,
): { readonly first: number; readonly last: number } | undefined {
  return monthOfName(LAYOUTS[kind].prefix, name);
}

function monthOfName(prefix: string, name: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^-(\d{4})-(\d{2})$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "");
  const month = Number(match?.[2]);
  if (match === null || month < 1 || month > 12) return undefined;
  const year = Number(match[1]);
  return { first: Date.UTC(year, month - 1) / 1000, last: Date.UTC(year, month) / 1000 - 1 };
}

/** The file with the index of a month. */
export function indexName(seconds: number): string {
  return `${INDEX_PREFIX}-${timeName(seconds).slice(0, 7)}`;
}

/** The first and last second of the month of an index, by its name. */
export function monthOfIndex(name: string): { readonly first: number; readonly last: number } | undefined {
  return monthOfName(INDEX_PREFIX, name);
}

/** The folder of the days, as parts below that of the month. */
export function daysFolder(kind: DocumentKind): readonly string[] {
  const { middle } = LAYOUTS[kind];
  return middle === "" ? [] : [middle];
}

/** The day that a folder of a month is for, by its first and last second. */
export function dayOf(monthFirst: number, name: string): { readonly first: number; readonly last: number } | undefined {
  if (!/^(?:0[1-9]|[12]\d|3[01])$/.test(name)) return undefined;
  const first = monthFirst + (Number(name) - 1) * SECONDS_PER_DAY;
  return { first, last: first + SECONDS_PER_DAY - 1 };
}

/** The time of a document by its name, with or without `.gz`; undefined for a name of something else. */
export function timeOfName(kind: DocumentKind, name: string): number | undefined {
  const bare = withoutGz(name);
  const { suffix } = LAYOUTS[kind];
  return bare.endsWith(suffix) ? parseTimeName(bare.slice(0, bare.length - suffix.length)) : undefined;
}

/** Identity and time of a certificate by its name. */
export function certificateOfName(name: string): { readonly identity: string; readonly published: number } | undefined {
  const match = /^([0-9A-Fa-f]{40})-(.+)$/.exec(withoutGz(name));
  const published = match === null ? undefined : parseTimeName(match[2]!);
  return published === undefined ? undefined : { identity: match![1]!.toUpperCase(), published };
}

export function withoutGz(name: string): string {
  return name.endsWith(".gz") ? name.slice(0, -3) : name;
}

/** `YYYY-MM-DD-HH-MM-SS` */
function timeName(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[T:]/g, "-");
}

function parseTimeName(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const seconds = parseUtcTime(`${match[1]} ${match[2]}:${match[3]}:${match[4]}`);
  return seconds !== undefined && isNameable(seconds) ? seconds : undefined;
}
