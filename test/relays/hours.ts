// Documents of consecutive hours, in which relays stand where a test puts them.

import { type ConsensusDocument, type ConsensusFlavor, parseConsensus } from "../../src/relays/index.js";
import { FOOTER, TEN } from "./documents.js";

const HOUR = 3600;
const IDENTITIES = { first: "AAECAwQFBgcICQoLDA0ODxAREhM", second: "//79/Pv6+fj39vX08/Lx8O/u7ew" };

/** Where a document lists them: `192.0.2.7 9001`, and more endpoints after a comma: `192.0.2.7 9001,[2001:db8::7]:9001`. */
export type Endpoints = Partial<Record<keyof typeof IDENTITIES, string>>;

export interface HourOptions {
  readonly flavor?: ConsensusFlavor;
  readonly distSeconds?: number;
}

/** The document of so many hours after ten; its source is `hour N`. */
export function atHour(hour: number, endpoints: Endpoints, options: HourOptions = {}): ConsensusDocument {
  const { flavor = "microdesc", distSeconds = 240 } = options;
  const time = (hours: number) => {
    const iso = new Date((TEN + (hour + hours) * HOUR) * 1000).toISOString();
    return iso.replace("T", " ").slice(0, 19);
  };
  const digest = flavor === "ns" ? " AAAAAAAAAAAAAAAAAAAAAAAAAAA" : "";
  const relays = Object.entries(endpoints).map(([name, places]) => {
    const [primary, ...others] = places.split(",");
    const identity = IDENTITIES[name as keyof typeof IDENTITIES];
    const also = others.map((other) => `a ${other}\n`).join("");
    return `r ${name} ${identity}${digest} 2038-01-01 00:00:00 ${primary} 0\n${also}s Exit Guard Running Valid\n`;
  });
  const text = `network-status-version 3${flavor === "ns" ? "" : " microdesc"}
vote-status consensus
consensus-method 33
valid-after ${time(0)}
fresh-until ${time(1)}
valid-until ${time(3)}
voting-delay 300 ${distSeconds}
known-flags Exit Guard Running Valid
${relays.join("")}${FOOTER}`;
  return parseConsensus(Buffer.from(text, "latin1"), flavor === "ns" ? `hour ${hour} ns` : `hour ${hour}`);
}
