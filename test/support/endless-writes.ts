import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Writes a piece again and again until the other side has had enough, minding how fast it reads. */
export async function pour(socket: Socket, piece: Uint8Array | string): Promise<void> {
  while (!socket.destroyed) {
    if (socket.write(piece)) await new Promise((resolve) => setImmediate(resolve));
    else {
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.off("drain", done).off("close", done);
          resolve();
        };
        socket.on("drain", done).on("close", done);
      });
    }
  }
}

/** Writes a piece every so often until the other side has had enough. */
export async function drip(socket: Socket, piece: string, everyMs: number): Promise<void> {
  while (!socket.destroyed) {
    socket.write(piece);
    await sleep(everyMs);
  }
}
