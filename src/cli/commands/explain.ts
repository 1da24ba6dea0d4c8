import { type CapturedPacket, LeekError } from "../../base/index.js";
import { fractionDigitsOf, type PacketSource } from "../../capture/index.js";
import { Analysis, type FlowRecord } from "../../pipeline/index.js";
import { type ExplainedPacket, explainFlow, packetLine } from "../../report/explain/index.js";
import { AnalysisJsonWriter } from "../../report/index.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";
import { readCaptures } from "../reading/read-capture.js";

export interface ExplainOptions extends DirectoryOptions {
  /** As `analyze --json` numbers them, from 1. */
  readonly flow: number | undefined;
  /** As `print -#` numbers them, from 1. */
  readonly packet: number | undefined;
  readonly json: boolean;
}

/** `leek explain CAPTURE --flow N | --packet N`: everything that is known of one flow, and why it has its class. */
export async function explain(path: string, options: ExplainOptions): Promise<number> {
  const sources = new DirectorySources(options);
  let serial = options.flow === undefined ? undefined : options.flow - 1;
  let record: FlowRecord | undefined;
  let shown: ExplainedPacket | undefined;
  let isWithoutFlow = false;
  let analysis: Analysis | undefined;
  const source = await readCaptures([path], {
    async start(_opened: PacketSource, from: number | undefined) {
      const onFlow = (ended: FlowRecord) => {
        if (ended.flow.serial === serial) record = ended;
      };
      analysis = new Analysis({ directory: await sources.load(from), onFlow });
    },
    packet(packet: CapturedPacket) {
      const row = analysis!.observe(packet);
      const isWanted =
        options.packet === undefined
          ? row >= 0 && analysis!.beganFlow && analysis!.serialOf(row) === serial
          : packet.number === options.packet;
      if (isWanted) {
        shown = {
          number: packet.number,
          line: packetLine(
            analysis!.specimenOf(row, packet),
            row < 0 ? undefined : analysis!.recordOf(row).flow,
            "date",
          ),
        };
        isWithoutFlow = row < 0;
        if (row >= 0) serial = analysis!.serialOf(row);
      }
      // What comes after its end changes nothing.
      return record === undefined && !isWithoutFlow;
    },
    batch() {},
  });
  for (const note of sources.notes) say(note.message);
  analysis!.finish(source.infos);
  const out = new TextOutput();
  const digits = fractionDigitsOf(source.infos);
  if (record !== undefined && options.json) {
    out.write(`${new AnalysisJsonWriter().record(record, digits)}\n`);
  } else if (record !== undefined) {
    out.write(explainFlow(record, shown === undefined ? [] : [shown], digits));
  } else if (isWithoutFlow && shown !== undefined) {
    out.write(`Packet ${shown.number}: ${shown.line}\n\nIt belongs to no flow: leek reads no IP header in it.\n`);
  } else throw notThere(options);
  out.flush();
  return ExitStatus.Ok;
}

function notThere({ flow, packet }: ExplainOptions): LeekError {
  const what = packet === undefined ? `flow ${flow}` : `packet ${packet}`;
  const hint =
    packet === undefined
      ? "leek analyze --json numbers the flows: its member flow."
      : "leek print -# numbers the packets.";
  return new LeekError("LEEK_NOT_IN_CAPTURE", "bad-data", `The capture has no ${what}.`, { hint });
}
