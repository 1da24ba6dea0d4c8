import type { Classification, FlowClass } from "../classify/index.js";
import type { Endpoint } from "../net/index.js";
import type { FlowRecord } from "./flow-record.js";

/** What all flows of one class with one remote endpoint add up to. */
export interface EndpointTotal {
  readonly flowClass: FlowClass;
  readonly transport: string;
  readonly endpoint: Endpoint;
  readonly classification: Classification;
  packets: number;
  bytes: number;
  flows: number;
  /** Names seen for it, at most MAX_NAMES. */
  readonly names: Set<string>;
}

/** Distinct remote endpoints kept; a port scan must not fill memory. The rest counts under `unlisted`. */
const MAX_ENDPOINTS = 65_536;
const MAX_NAMES = 4;

/** Adds up ended flows by class and remote endpoint. */
export class EndpointTotals {
  readonly #byKey = new Map<string, EndpointTotal>();
  /** Flows whose endpoint found no room. */
  unlisted = 0;

  add(record: FlowRecord): void {
    const { flow, classification } = record;
    const { endpoint } = record.remote;
    const key = `${classification.flowClass} ${flow.transport} ${endpoint.address} ${endpoint.port ?? ""}`;
    let total = this.#byKey.get(key);
    if (total === undefined) {
      if (this.#byKey.size >= MAX_ENDPOINTS) {
        this.unlisted++;
        return;
      }
      total = {
        flowClass: classification.flowClass,
        transport: flow.transport,
        endpoint,
        classification,
        packets: 0,
        bytes: 0,
        flows: 0,
        names: new Set(),
      };
      this.#byKey.set(key, total);
    }
    total.packets += flow.packets.originator + flow.packets.responder;
    total.bytes += flow.bytes.originator + flow.bytes.responder;
    total.flows++;
    for (const name of record.names) if (total.names.size < MAX_NAMES) total.names.add(name);
  }

  /** Distinct endpoints of a class. */
  count(flowClass: FlowClass): number {
    let count = 0;
    for (const total of this.#byKey.values()) if (total.flowClass === flowClass) count++;
    return count;
  }

  /** The endpoints of a class with most bytes, largest first. */
  top(flowClass: FlowClass, limit: number): EndpointTotal[] {
    const ofClass = [...this.#byKey.values()].filter((total) => total.flowClass === flowClass);
    ofClass.sort((left, right) => right.bytes - left.bytes || (key(left) < key(right) ? -1 : 1));
    return ofClass.slice(0, limit);
  }

  /** Packets, bytes and flows of a class by the remote port, largest first. */
  ports(flowClass: FlowClass): PortTotal[] {
    const byPort = new Map<string, PortTotal>();
    for (const total of this.#byKey.values()) {
      if (total.flowClass !== flowClass) continue;
      const port = total.endpoint.port === undefined ? total.transport : `${total.endpoint.port}/${total.transport}`;
      const sum = byPort.get(port) ?? { port, packets: 0, bytes: 0, flows: 0 };
      sum.packets += total.packets;
      sum.bytes += total.bytes;
      sum.flows += total.flows;
      byPort.set(port, sum);
    }
    return [...byPort.values()].sort((left, right) => right.bytes - left.bytes || (left.port < right.port ? -1 : 1));
  }
}

export interface PortTotal {
  /** `443/tcp`; the transport alone where it has no ports. */
  readonly port: string;
  packets: number;
  bytes: number;
  flows: number;
}

function key(total: EndpointTotal): string {
  return `${total.endpoint.address} ${total.endpoint.port ?? ""}`;
}
