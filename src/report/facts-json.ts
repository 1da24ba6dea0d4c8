import type { DetailValue, FlowFacts } from "../apps/index.js";

/** What must not stand in JSON as it is, and more: the rest is left to JSON.stringify. */
const SPECIAL = /[^ !#-[\]-~]/;

interface Written {
  value: DetailValue;
  text: string;
}

/** The JSON text of what flows say. */
export class FactTexts {
  // What was written last of each key and kind: flows of one program have most of it in common, and one text that is
  // there already is cheaper than the five of which it is put together.
  readonly #details = new Map<string, Written>();
  readonly #disclosures = new Map<string, Written>();

  /** The members for a flow's application, and for what anyone on the path learns from it. */
  text(facts: FlowFacts | undefined): string {
    if (facts?.protocol === undefined) return "";
    const { protocol, by, detailKeys, detailValues, disclosures, more } = facts;
    let text = `,"application":{"protocol":"${protocol}","by":"${by}","details":{`;
    for (let i = 0; i < detailKeys.length; i++) {
      if (i > 0) text += ",";
      text += written(this.#details, detailKeys[i]!, detailValues[i]!, detailJson);
    }
    text += "}}";
    if (disclosures.length > 0) {
      let separator = ',"disclosed":[';
      for (const { kind, value, packet } of disclosures) {
        text += separator + written(this.#disclosures, kind, value, disclosureStart);
        text += packet;
        separator = "},";
      }
      text += "}]";
    }
    return more > 0 ? `${text},"moreDisclosed":${more}` : text;
  }
}

/** A list of texts as a JSON array. */
export function textsJson(texts: readonly string[]): string {
  let list = "";
  for (const text of texts) list += list === "" ? quoted(text) : `,${quoted(text)}`;
  return `[${list}]`;
}

/** @param make - Gives the text when it is another one than last time. */
function written<Value extends DetailValue>(
  last: Map<string, Written>,
  key: string,
  value: Value,
  make: (key: string, value: Value) => string,
): string {
  const known = last.get(key);
  if (known === undefined) {
    const text = make(key, value);
    last.set(key, { value, text });
    return text;
  }
  if (!isSame(known.value, value)) {
    known.text = make(key, value);
    known.value = value;
  }
  return known.text;
}

function isSame(left: DetailValue, right: DetailValue): boolean {
  if (typeof left !== "object" || typeof right !== "object") return left === right;
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Keys are leek's own. */
function detailJson(key: string, value: DetailValue): string {
  if (typeof value === "string") return `"${key}":${quoted(value)}`;
  if (typeof value !== "object") return `"${key}":${value}`;
  return `"${key}":${isTexts(value) ? textsJson(value) : `[${value.join(",")}]`}`;
}

/** Up to the number of the packet. */
function disclosureStart(kind: string, value: string): string {
  return `{"kind":"${kind}","value":${quoted(value)},"packet":`;
}

function isTexts(list: readonly string[] | readonly number[]): list is readonly string[] {
  return typeof list[0] === "string";
}

// A server's name stands in three places of its flow.
let lastText = "";
let lastQuoted = '""';

/** As JSON.stringify, which takes two to three times as long. */
export function quoted(text: string): string {
  if (text !== lastText) {
    lastText = text;
    lastQuoted = SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`;
  }
  return lastQuoted;
}
