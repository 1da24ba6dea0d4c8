import type { Flow } from "../flows/index.js";
import type { Specimen } from "../pipeline/index.js";
import { LineBuffer, TcpdumpFormatter, type TimeStyle } from "./tcpdump/index.js";

/** One packet as `tcpdump -n` prints it in the midst of its connection, though no other was printed before. */
export function packetLine(
  { packet, sequenceBase, fromOriginator }: Omit<Specimen, "serial">,
  flow: Flow | undefined,
  time: TimeStyle,
): string {
  const formatter = new TcpdumpFormatter({ time });
  if (flow !== undefined && sequenceBase !== undefined) {
    const [sender, receiver] = fromOriginator ? [flow.originator, flow.responder] : [flow.responder, flow.originator];
    if (sender.port !== undefined && receiver.port !== undefined) {
      formatter.seedConversation(
        { address: sender.address, port: sender.port, sequence: sequenceBase.sender },
        { address: receiver.address, port: receiver.port, sequence: sequenceBase.receiver },
      );
    }
  }
  const line = new LineBuffer(512);
  formatter.format(packet, line);
  return line.toString();
}
