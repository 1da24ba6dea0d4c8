/**
 * Moves numbers into a larger array, of the same kind and fresh.
 *
 * @example this.#next = grown(this.#next, new Int32Array(size));
 */
export function grown<Values extends Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array>(
  values: Values,
  into: Values,
): Values {
  into.set(values);
  return into;
}
