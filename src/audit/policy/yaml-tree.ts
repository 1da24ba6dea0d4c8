import type { Alias, Document, Node, YAMLMap } from "yaml";
import { type Problems, quoted } from "./problems.js";

/** What a YAML text says, without its notation; each node knows where it stands. */
export type YamlNode = YamlMap | YamlList | YamlValue;

interface Placed {
  /** UTF-16 units from the beginning of the text. */
  readonly offset: number;
}
export interface YamlMap extends Placed {
  readonly kind: "map";
  readonly entries: readonly YamlEntry[];
}
export interface YamlEntry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: YamlNode;
}
export interface YamlList extends Placed {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}
export interface YamlValue extends Placed {
  readonly kind: "value";
  readonly value: string | number | boolean | null;
}

/** Far more than a policy has use for: the YAML parser and the walk below go down one call for each level. */
const MAX_DEPTH = 32;
/** An alias costs nothing by itself, but thousands of them could be read thousands of times. */
const MAX_ALIASES = 100;
const TOO_DEEP = "lists and maps stand too deep in each other to be read";

/**
 * Reads a YAML 1.2 text of the core schema: no tags, no merge keys, so that what stands there is what is meant.
 *
 * @param problems - Gets whatever is wrong; the tree is complete only when nothing is.
 * @returns undefined when the text has no content, or none that can be read.
 */
export async function readYamlTree(text: string, problems: Problems): Promise<YamlNode | undefined> {
  // Here, for policies alone: loading it costs every start of leek some milliseconds.
  const yaml = await import("yaml");
  let document: Document.Parsed;
  try {
    document = yaml.parseDocument(text, {
      schema: "core",
      merge: false,
      resolveKnownTags: false,
      prettyErrors: false,
      // Compares each key with all before it; the walk below does it in linear time.
      uniqueKeys: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.add(0, TOO_DEEP);
    return undefined;
  }
  for (const { pos, message } of [...document.errors, ...document.warnings]) problems.add(pos[0], message);
  if (document.errors.length > 0 || document.contents === null) return undefined;
  return new Walk(yaml, problems).node(document.contents, 0, 0);
}

/** Walks the document in its order, so that each anchor is known before its aliases. */
class Walk {
  readonly #yaml: typeof import("yaml");
  readonly #problems: Problems;
  readonly #anchors = new Map<string, Node>();
  readonly #known = new Map<Node, YamlNode>();
  #aliases = 0;

  constructor(yaml: typeof import("yaml"), problems: Problems) {
    this.#yaml = yaml;
    this.#problems = problems;
  }

  /** @param offset - For what has no place of its own. */
  node(node: unknown, offset: number, depth: number): YamlNode {
    if (!this.#yaml.isNode(node)) return { kind: "value", offset, value: null };
    const start = node.range?.[0] ?? offset;
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) return this.#refuse(start, TOO_DEEP);
    const tree = this.#read(node, start, depth);
    this.#known.set(node, tree);
    return tree;
  }

  #read(node: Node, offset: number, depth: number): YamlNode {
    const { isAlias, isMap, isSeq } = this.#yaml;
    if (isAlias(node)) return this.#alias(node, offset);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return { kind: "map", offset, entries: this.#entries(node, offset, depth) };
    if (isSeq(node)) {
      return { kind: "list", offset, items: node.items.map((item) => this.node(item, offset, depth + 1)) };
    }
    const { value } = node;
    const isPlain =
      value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    return isPlain ? { kind: "value", offset, value } : this.#refuse(offset, "this is no value of a policy");
  }

  #entries(map: YAMLMap, offset: number, depth: number): YamlEntry[] {
    const entries: YamlEntry[] = [];
    const seen = new Set<string>();
    for (const pair of map.items) {
      const key = this.node(pair.key, offset, depth + 1);
      if (key.kind !== "value" || typeof key.value !== "string") {
        this.#problems.add(key.offset, "a key must be a word");
        continue;
      }
      if (seen.has(key.value)) this.#problems.add(key.offset, `${quoted(key.value)} stands here a second time`);
      seen.add(key.value);
      const value = this.node(pair.value, key.offset, depth + 1);
      entries.push({ key: key.value, keyOffset: key.offset, value });
    }
    return entries;
  }

  #alias({ source }: Alias, offset: number): YamlNode {
    this.#aliases++;
    if (this.#aliases > MAX_ALIASES) return this.#refuse(offset, `there are more than ${MAX_ALIASES} aliases`);
    const target = this.#anchors.get(source);
    if (target === undefined) return this.#refuse(offset, `there is no anchor ${quoted(source)} above`);
    // What an alias means has been read before, unless the alias stands within it.
    return this.#known.get(target) ?? this.#refuse(offset, "an alias stands within what it means");
  }

  #refuse(offset: number, problem: string): YamlNode {
    this.#problems.add(offset, problem);
    return { kind: "value", offset, value: null };
  }
}
