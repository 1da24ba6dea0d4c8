import { Bpf, BpfClass, type BpfFunction, type BpfProgram, SCRATCH_WORDS } from "./bpf-program.js";

/**
 * Steps for one packet, after which a program with loops is stopped. `protochain` takes some 15 for each IPv6
 * extension header, and the 262,144 bytes of the longest packet hold 32,768 of 8 bytes.
 */
const MAX_STEPS = 1 << 20;

/**
 * A function that runs a program step by step. Allocates nothing per packet.
 *
 * A and X are kept as signed 32-bit integers, which JavaScript is fast with; where the sign would show (comparing,
 * dividing, shifting right, addressing) they are taken as unsigned, as BPF has them.
 *
 * A program with loops that takes over a million steps rejects the packet.
 */
export function createInterpreter(program: BpfProgram): BpfFunction {
  const { code: codes, jt, jf, k: constants, length } = program;
  const scratch = new Int32Array(SCRATCH_WORDS);
  const usesScratch = codes.some((code) => code === Bpf.LD_MEM || code === Bpf.LDX_MEM);
  const maxSteps = program.hasLoops ? MAX_STEPS : length;

  return (view, start, end, originalLength) => {
    const available = end - start;
    if (usesScratch) scratch.fill(0);
    let a = 0;
    let x = 0;
    let pc = 0;
    for (let step = 0; step < maxSteps; step++) {
      const code = codes[pc]!;
      const k = constants[pc]!;
      switch (code) {
        case Bpf.LD_W_ABS:
          if (k + 4 > available) return 0;
          a = view.getInt32(start + k);
          break;
        case Bpf.LD_H_ABS:
          if (k + 2 > available) return 0;
          a = view.getUint16(start + k);
          break;
        case Bpf.LD_B_ABS:
          if (k + 1 > available) return 0;
          a = view.getUint8(start + k);
          break;
        // The sum of two 32-bit numbers is exact here, so an address that would wrap in C is just too large.
        case Bpf.LD_W_IND: {
          const offset = (x >>> 0) + k;
          if (offset + 4 > available) return 0;
          a = view.getInt32(start + offset);
          break;
        }
        case Bpf.LD_H_IND: {
          const offset = (x >>> 0) + k;
          if (offset + 2 > available) return 0;
          a = view.getUint16(start + offset);
          break;
        }
        case Bpf.LD_B_IND: {
          const offset = (x >>> 0) + k;
          if (offset + 1 > available) return 0;
          a = view.getUint8(start + offset);
          break;
        }
        case Bpf.LD_IMM:
          a = k | 0;
          break;
        case Bpf.LD_MEM:
          a = scratch[k]!;
          break;
        case Bpf.LD_LEN:
          a = originalLength | 0;
          break;
        case Bpf.LDX_IMM:
          x = k | 0;
          break;
        case Bpf.LDX_MEM:
          x = scratch[k]!;
          break;
        case Bpf.LDX_LEN:
          x = originalLength | 0;
          break;
        case Bpf.LDX_MSH:
          if (k + 1 > available) return 0;
          x = (view.getUint8(start + k) & 15) << 2;
          break;
        case Bpf.ST:
          scratch[k] = a;
          break;
        case Bpf.STX:
          scratch[k] = x;
          break;
        case Bpf.DIV_X:
        case Bpf.MOD_X:
          if (x === 0) return 0;
          a = calculate(code - 8, a, x >>> 0);
          break;
        // Four in five steps of what libpcap makes are loads and these; the rest share the default below.
        case Bpf.JEQ_K:
          pc += a >>> 0 === k ? jt[pc]! : jf[pc]!;
          break;
        case Bpf.JGT_K:
          pc += a >>> 0 > k ? jt[pc]! : jf[pc]!;
          break;
        case Bpf.JGE_K:
          pc += a >>> 0 >= k ? jt[pc]! : jf[pc]!;
          break;
        case Bpf.JSET_K:
          pc += (a & k) !== 0 ? jt[pc]! : jf[pc]!;
          break;
        case Bpf.AND_K:
          a &= k;
          break;
        case Bpf.TAX:
          x = a;
          break;
        case Bpf.TXA:
          a = x;
          break;
        case Bpf.RET_K:
          return k;
        case Bpf.RET_A:
          return a >>> 0;
        case Bpf.JA:
          pc += k | 0;
          break;
        default: {
          // Bit 3 tells X from k; without it the code is that of the operation with k.
          const operand = (code & 8) === 0 ? k : x >>> 0;
          if ((code & 7) === BpfClass.JMP) pc += holds(code & ~8, a, operand) ? jt[pc]! : jf[pc]!;
          else a = calculate(code & ~8, a, operand);
        }
      }
      pc++;
    }
    return 0;
  };
}

function holds(code: number, a: number, operand: number): boolean {
  switch (code) {
    case Bpf.JEQ_K:
      return a >>> 0 === operand;
    case Bpf.JGT_K:
      return a >>> 0 > operand;
    case Bpf.JGE_K:
      return a >>> 0 >= operand;
    default:
      return (a & operand) !== 0;
  }
}

/** @param operand - Unsigned; not 0 for a division. */
function calculate(code: number, a: number, operand: number): number {
  switch (code) {
    case Bpf.ADD_K:
      return (a + operand) | 0;
    case Bpf.SUB_K:
      return (a - operand) | 0;
    case Bpf.MUL_K:
      return Math.imul(a, operand);
    case Bpf.DIV_K:
      return ((a >>> 0) / operand) | 0;
    case Bpf.MOD_K:
      return ((a >>> 0) % operand) | 0;
    case Bpf.AND_K:
      return a & operand;
    case Bpf.OR_K:
      return a | operand;
    case Bpf.XOR_K:
      return a ^ operand;
    // JavaScript shifts by the low five bits only.
    case Bpf.LSH_K:
      return operand > 31 ? 0 : a << operand;
    case Bpf.RSH_K:
      return operand > 31 ? 0 : (a >>> operand) | 0;
    default:
      return -a | 0;
  }
}
