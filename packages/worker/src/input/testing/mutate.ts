/** Numbers in [0, 1) that a seed determines: mulberry32 by Tommy Ettinger, public domain. */
export type Random = () => number;

export function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** Most of what a parser believes stands near the beginning. */
const HEADER_BYTES = 256;
const MOST_FLIPS = 40;
const MOST_MUTATIONS = 3;
/** Numbers at the edges of what fields can hold. */
const EXTREMES = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

const MUTATIONS: readonly Mutation[] = [
  flipAnywhere,
  flipInHeader,
  flipInHeader,
  setExtremeField,
  setExtremeField,
  setExtremeFieldInHeader,
  setExtremeFieldInHeader,
  cutOff,
  removeRange,
  repeatRange,
  zeroRange,
];

/** A damaged copy: one to three mutations of an AFL kind, stacked. */
export function mutate(original: Uint8Array, random: Random): Buffer {
  const count = 1 + below(MOST_MUTATIONS, random);
  let bytes = Buffer.from(original);
  for (let i = 0; i < count; i += 1) bytes = Buffer.from(pick(MUTATIONS, random)(bytes, random));
  return bytes;
}

function pick<T>(choices: readonly T[], random: Random): T {
  // The index is within the list, which nobody calls this with empty.
  return choices[below(choices.length, random)] as T;
}

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function flipAnywhere(bytes: Buffer, random: Random): Buffer {
  return flip(bytes, bytes.length, random);
}

function flipInHeader(bytes: Buffer, random: Random): Buffer {
  return flip(bytes, Math.min(HEADER_BYTES, bytes.length), random);
}

function flip(bytes: Buffer, end: number, random: Random): Buffer {
  const count = 1 + below(MOST_FLIPS, random);
  for (let i = 0; i < count; i += 1) bytes[below(end, random)] = below(256, random);
  return bytes;
}

function setExtremeField(bytes: Buffer, random: Random): Buffer {
  return setField(bytes, bytes.length, random);
}

function setExtremeFieldInHeader(bytes: Buffer, random: Random): Buffer {
  return setField(bytes, Math.min(HEADER_BYTES, bytes.length), random);
}

function setField(bytes: Buffer, end: number, random: Random): Buffer {
  if (end < 4) return bytes;
  const offset = below(end - 3, random);
  const value = pick(EXTREMES, random);
  if (random() < 0.5) bytes.writeUInt32LE(value, offset);
  else bytes.writeUInt32BE(value, offset);
  return bytes;
}

function cutOff(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, below(bytes.length, random));
}

function removeRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

function repeatRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
}

function zeroRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random);
  return bytes.fill(0, start, end);
}

function range(bytes: Buffer, random: Random): [number, number] {
  const start = below(bytes.length, random);
  return [start, start + below(bytes.length - start, random)];
}
