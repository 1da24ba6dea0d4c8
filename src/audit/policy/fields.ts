import { parseUtcTime } from "../../base/index.js";
import { type Cidr, formatCidr, parseCidr } from "../node.js";
import type { PortRange } from "../policy.js";
import { nearestWord } from "./nearest-word.js";
import { type Problems, quoted } from "./problems.js";
import type { YamlEntry, YamlMap, YamlNode } from "./yaml-tree.js";

/** Of a list: far more than anybody writes by hand; each flow is held to all of them. */
const MAX_LIST = 1_000;

/** setTimeout takes 31 bits of milliseconds; as --min-duration. */
const MAX_SECONDS = 24 * 86_400;
const MIN_SECONDS = 0.001;
const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** What stands under the keys of a map; unknown ones are problems, with the key that was most likely meant. */
export function readKeys<Key extends string>(
  map: YamlMap,
  keys: readonly Key[],
  problems: Problems,
): Partial<Record<Key, YamlEntry>> {
  const found: Partial<Record<Key, YamlEntry>> = {};
  for (const entry of map.entries) {
    const key = keys.find((it) => it === entry.key);
    if (key === undefined)
      problems.add(entry.keyOffset, `there is no key ${quoted(entry.key)}${meant(entry.key, keys, problems)}`);
    else found[key] = entry;
  }
  return found;
}

/** A map, or undefined and a problem. */
export function readMap({ key, value }: YamlEntry, problems: Problems): YamlMap | undefined {
  if (value.kind === "map") return value;
  problems.add(value.offset, `${key} must have keys of its own`);
  return undefined;
}

/** The items of a list, or the one thing in place of a list of one. */
export function readList({ key, value }: YamlEntry, least: 0 | 1, problems: Problems): readonly YamlNode[] {
  const items = value.kind === "list" ? value.items : [value];
  if (items.length < least) problems.add(value.offset, `${key} must not be empty`);
  if (items.length > MAX_LIST) problems.add(value.offset, `${key} must not have more than ${MAX_LIST} entries`);
  return items.slice(0, MAX_LIST);
}

export function readText(node: YamlNode, key: string, problems: Problems): string | undefined {
  if (node.kind === "value" && typeof node.value === "string" && /\S/.test(node.value)) return node.value;
  problems.add(node.offset, `${key} must be text, and not empty`);
  return undefined;
}

export function readBoolean({ key, value }: YamlEntry, problems: Problems): boolean | undefined {
  if (value.kind === "value" && typeof value.value === "boolean") return value.value;
  problems.add(value.offset, `${key} must be true or false`);
  return undefined;
}

export function readWord<Word extends string>(
  node: YamlNode,
  key: string,
  words: readonly Word[],
  problems: Problems,
): Word | undefined {
  const text = node.kind === "value" ? node.value : undefined;
  const word = words.find((it) => it === text);
  if (word === undefined) {
    const guess = typeof text === "string" ? meant(text, words, problems) : "";
    const choice = words.length <= 8 ? `${key} must be ${words.join(", ")}` : `this is no ${key} that leek knows`;
    problems.add(node.offset, `${choice}${guess}`);
  }
  return word;
}

export function readCidr(node: YamlNode, key: string, problems: Problems): Cidr | undefined {
  const text = node.kind === "value" && typeof node.value === "string" ? node.value : undefined;
  const range = text === undefined ? undefined : parseCidr(text);
  if (range === undefined) {
    problems.add(node.offset, `${key} must be an address, or ADDR/LENGTH`);
    return undefined;
  }
  const first = networkOf(range);
  if (formatCidr(first) === formatCidr(range)) return range;
  // Most likely one address was meant, with the length of the network that it is in.
  problems.add(
    node.offset,
    `${key}: ${quoted(text!)} is within ${formatCidr(first)}; write that, or the address alone`,
  );
  return undefined;
}

/** `443`, `"443"`, `"1000-2000"`. */
export function readPorts(node: YamlNode, key: string, problems: Problems): PortRange | undefined {
  const value = node.kind === "value" ? node.value : undefined;
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from !== "" && first >= 1 && first <= last && last <= 65_535) return { first, last };
  problems.add(node.offset, `${key} must be 1 to 65535, or "FIRST-LAST"`);
  return undefined;
}

/** `30s`, `10m`, `2h`, `1.5d`, or a number of seconds. */
export function readSeconds({ key, value: node }: YamlEntry, problems: Problems): number | undefined {
  const value = node.kind === "value" ? node.value : undefined;
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(number) * SECONDS_OF_UNIT[unit]!;
  if (number !== "" && seconds >= MIN_SECONDS && seconds <= MAX_SECONDS) return seconds;
  problems.add(node.offset, `${key} must be a time such as 30s, 10m or 2h, and at most 24 days`);
  return undefined;
}

/** Seconds since 1970-01-01 UTC; a day alone is its first second. */
export function readTime({ key, value: node }: YamlEntry, problems: Problems): number | undefined {
  const time = node.kind === "value" && typeof node.value === "string" ? parseUtcTime(node.value) : undefined;
  if (time === undefined) problems.add(node.offset, `${key} must be a time in UTC, as 2026-11-22 10:00`);
  return time;
}

function meant(text: string, words: readonly string[], problems: Problems): string {
  const word = problems.isFull ? undefined : nearestWord(text, words);
  return word === undefined ? "" : `; did you mean ${word}?`;
}

function networkOf(range: Cidr): Cidr {
  const skipped = range.version === 4 ? 96 : 0;
  const [a, b, c, d] = [range.a, range.b, range.c, range.d].map((word, i) => {
    const left = range.prefixLength + skipped - i * 32;
    // A shift by 32 is one by 0.
    return left >= 32 ? word : left <= 0 ? 0 : word & ~(-1 >>> left);
  });
  return { ...range, a: a!, b: b!, c: c!, d: d! };
}
