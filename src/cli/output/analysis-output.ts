import type { FractionDigits } from "../../base/index.js";
import { type AnalysisResult, EndpointTotals, type FlowRecord, ProgramTotals } from "../../pipeline/index.js";
import { AnalysisJsonWriter, flowCsv, flowCsvHeader } from "../../report/index.js";
import { TextOutput } from "./output.js";

/** The report for people; the document leek/analysis@1; its flow records, a line each; the same as CSV. */
export type AnalysisFormat = "text" | "json" | "ndjson" | "csv";

/** Writes an analysis to standard output: flows as they end, the whole at the end. */
export interface AnalysisOutput {
  start(): void;
  /** @param digits - Fractional digits of the capture's time stamps. */
  flow(record: FlowRecord, digits: FractionDigits): void;
  /** Lets out what was written so far, for readers that wait for it. */
  flush(): void;
  finish(result: AnalysisResult): void;
}

export async function analysisOutput(format: AnalysisFormat): Promise<AnalysisOutput> {
  const out = new TextOutput();
  const writer = new AnalysisJsonWriter();
  switch (format) {
    case "json":
      return {
        start: () => out.write(writer.head()),
        flow: (record, digits) => out.write(writer.flow(record, digits)),
        // One document, which nobody can read before its end.
        flush() {},
        finish(result) {
          out.write(writer.tail(result));
          out.flush();
        },
      };
    case "ndjson":
      return {
        start() {},
        flow: (record, digits) => out.write(`${writer.record(record, digits)}\n`),
        flush: () => out.flush(),
        finish: () => out.flush(),
      };
    case "csv":
      return {
        start: () => out.write(flowCsvHeader()),
        flow: (record, digits) => out.write(flowCsv(record, digits)),
        flush: () => out.flush(),
        finish: () => out.flush(),
      };
    case "text": {
      const { renderContrast } = await import("../../report/contrast/index.js");
      const endpoints = new EndpointTotals();
      const programs = new ProgramTotals();
      return {
        start() {},
        flow(record) {
          endpoints.add(record);
          programs.add(record);
        },
        flush() {},
        finish(result) {
          out.write(renderContrast(result, endpoints, programs));
          out.flush();
        },
      };
    }
  }
}
