import type { FlowFacts } from "../flow-facts.js";
import { SeenList } from "../seen-list.js";

/** What was asked of a gateway, and for which ports: details of a flow. */
export class PortMappings {
  readonly operations: SeenList<string>;
  readonly internalPorts: SeenList<number>;
  readonly externalPorts: SeenList<number>;

  constructor(facts: FlowFacts) {
    this.operations = new SeenList(facts, "operations");
    this.internalPorts = new SeenList(facts, "internalPorts");
    this.externalPorts = new SeenList(facts, "externalPorts");
  }
}
