import { LeekError } from "../base/index.js";
import type { BpfInstruction } from "../capture/libpcap/index.js";

/** Instruction classes, the low three bits of a code. Source: libpcap's pcap/bpf.h. */
export const BpfClass = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;

/** Whole instruction codes: class, size, mode or operation, and source, joined. */
export const Bpf = {
  LD_W_ABS: 0x20,
  LD_H_ABS: 0x28,
  LD_B_ABS: 0x30,
  LD_W_IND: 0x40,
  LD_H_IND: 0x48,
  LD_B_IND: 0x50,
  LD_IMM: 0x00,
  LD_MEM: 0x60,
  LD_LEN: 0x80,
  LDX_IMM: 0x01,
  LDX_MEM: 0x61,
  LDX_LEN: 0x81,
  LDX_MSH: 0xb1,
  ST: 0x02,
  STX: 0x03,
  ADD_K: 0x04,
  ADD_X: 0x0c,
  SUB_K: 0x14,
  SUB_X: 0x1c,
  MUL_K: 0x24,
  MUL_X: 0x2c,
  DIV_K: 0x34,
  DIV_X: 0x3c,
  OR_K: 0x44,
  OR_X: 0x4c,
  AND_K: 0x54,
  AND_X: 0x5c,
  LSH_K: 0x64,
  LSH_X: 0x6c,
  RSH_K: 0x74,
  RSH_X: 0x7c,
  NEG: 0x84,
  MOD_K: 0x94,
  MOD_X: 0x9c,
  XOR_K: 0xa4,
  XOR_X: 0xac,
  JA: 0x05,
  JEQ_K: 0x15,
  JEQ_X: 0x1d,
  JGT_K: 0x25,
  JGT_X: 0x2d,
  JGE_K: 0x35,
  JGE_X: 0x3d,
  JSET_K: 0x45,
  JSET_X: 0x4d,
  RET_K: 0x06,
  RET_A: 0x16,
  TAX: 0x07,
  TXA: 0x87,
} as const;

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(Bpf));

/** Words of scratch memory. */
export const SCRATCH_WORDS = 16;

// Kernels take 4,096. libpcap makes longer ones for files; 8,192 characters of expression stay below 60,000.
const MAX_INSTRUCTIONS = 1 << 18;

/** Linux kernels give loads from here on a meaning of their own (ancillary data), which no file has. */
const LINUX_ANCILLARY = 0xffff_f000;

/** A classic BPF program that keeps the rules; only parseBpfProgram makes one. */
export interface BpfProgram {
  readonly length: number;
  /** Of all four, index i is instruction i. */
  readonly code: Uint16Array;
  readonly jt: Uint8Array;
  readonly jf: Uint8Array;
  readonly k: Uint32Array;
  /** True when a jump goes backwards, as `protochain` makes them: such a program may run for ever. */
  readonly hasLoops: boolean;
}

/**
 * What a filter runs as.
 *
 * @param view - Over a buffer that spans many packets.
 * @param start - Offset of the packet's first byte.
 * @param end - Offset just past its last captured byte; a load beyond it rejects the packet.
 * @param originalLength - What the program sees as the packet's length.
 * @returns 0 to reject the packet; for one that matches, the number of its bytes to keep.
 */
export type BpfFunction = (view: DataView, start: number, end: number, originalLength: number) => number;

/**
 * Checks a program by the rules that kernels demand (but for backward jumps), so that whoever runs it need not.
 *
 * @throws {LeekError} LEEK_FILTER_PROGRAM, naming the instruction.
 */
export function parseBpfProgram(instructions: readonly BpfInstruction[]): BpfProgram {
  const length = instructions.length;
  if (length === 0 || length > MAX_INSTRUCTIONS) throw programError(`it has ${length} instructions`);
  const last = instructions[length - 1]!.code;
  if (last !== Bpf.RET_K && last !== Bpf.RET_A) throw programError("it does not end with a return");
  let hasLoops = false;
  instructions.forEach((instruction, index) => {
    const fault = findFault(instruction, index, length);
    if (fault !== undefined) throw programError(`instruction ${index} ${fault}`);
    if (instruction.code === Bpf.JA && (instruction.k | 0) < 0) hasLoops = true;
  });
  return {
    length,
    code: Uint16Array.from(instructions, (instruction) => instruction.code),
    jt: Uint8Array.from(instructions, (instruction) => instruction.jt),
    jf: Uint8Array.from(instructions, (instruction) => instruction.jf),
    k: Uint32Array.from(instructions, (instruction) => instruction.k),
    hasLoops,
  };
}

function findFault({ code, jt, jf, k }: BpfInstruction, index: number, length: number): string | undefined {
  if (!KNOWN_CODES.has(code)) return `has the unknown code ${code}`;
  if (!isUnsigned(k, 32) || !isUnsigned(jt, 8) || !isUnsigned(jf, 8)) return "has a field out of range";
  if (code === Bpf.JA) {
    // The only signed operand.
    const target = index + 1 + (k | 0);
    return target < 0 || target >= length ? "jumps out of the program" : undefined;
  }
  if ((code & 7) === BpfClass.JMP) {
    return index + 1 + Math.max(jt, jf) >= length ? "jumps out of the program" : undefined;
  }
  switch (code) {
    case Bpf.DIV_K:
    case Bpf.MOD_K:
      return k === 0 ? "divides by zero" : undefined;
    case Bpf.LD_MEM:
    case Bpf.LDX_MEM:
    case Bpf.ST:
    case Bpf.STX:
      return k >= SCRATCH_WORDS ? `names scratch word ${k}` : undefined;
    case Bpf.LD_W_ABS:
    case Bpf.LD_H_ABS:
    case Bpf.LD_B_ABS:
      return k >= LINUX_ANCILLARY ? "reads what only a live Linux interface knows" : undefined;
    default:
      return undefined;
  }
}

function isUnsigned(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** bits;
}

function programError(fault: string): LeekError {
  return new LeekError("LEEK_FILTER_PROGRAM", "software", `Cannot run the filter program: ${fault}.`, {
    hint: "libpcap should not make such a program: please report it, with the filter and libpcap's version.",
  });
}
