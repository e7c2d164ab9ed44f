/** A note as `music.notes` tells it; `pitch_bends` are thirds of a semitone, evenly spread over the note. */
export interface MidiNote {
  start: number;
  end: number;
  pitch: number;
  velocity: number;
  pitch_bends?: readonly number[] | undefined;
}

const TICKS_PER_QUARTER = 480;
/** 120 quarters a minute. */
const MICROSECONDS_PER_QUARTER = 500_000;
const TICKS_PER_SECOND = (TICKS_PER_QUARTER * 1e6) / MICROSECONDS_PER_QUARTER;
/** General MIDI's "Electric Piano 1". */
const PROGRAM = 4;
const SET_TEMPO = [0, 0xff, 0x51, 3, ...bigEndian(MICROSECONDS_PER_QUARTER, 3)];
const PROGRAM_CHANGE = [0, 0xc0, PROGRAM];
const END_OF_TRACK = [0, 0xff, 0x2f, 0];
/** A receiver bends by two semitones either way unless it is told otherwise: 8192 steps. */
const BEND_CENTRE = 8_192;
const STEPS_PER_THIRD = BEND_CENTRE / 6;

interface MidiEvent {
  tick: number;
  /** Of events at one tick: what ends comes before what begins. */
  order: number;
  bytes: readonly number[];
}

/**
 * A standard MIDI file (format 0, 480 ticks a quarter, 120 quarters a minute). A channel has one bend for all its notes, so
 * those of notes that sound together are left out; after a bent note the bend goes back to none.
 */
export function midiFile(notes: readonly MidiNote[]): Uint8Array<ArrayBuffer> {
  const sorted = notes.toSorted((a, b) => a.start - b.start || a.pitch - b.pitch);
  const alone = notesAlone(sorted);
  const events = sorted.flatMap((note) => [...eventsOf(note), ...(alone.has(note) ? bendsOf(note) : [])]);
  events.sort((a, b) => a.tick - b.tick || a.order - b.order);
  const track = [
    ...SET_TEMPO,
    ...PROGRAM_CHANGE,
    ...events.flatMap(({ tick, bytes }, i) => [
      ...variableLength(tick - (events[i - 1]?.tick ?? 0)),
      ...bytes,
    ]),
    ...END_OF_TRACK,
  ];
  const header = [...bigEndian(0, 2), ...bigEndian(1, 2), ...bigEndian(TICKS_PER_QUARTER, 2)];
  return Uint8Array.from([...chunk("MThd", header), ...chunk("MTrk", track)]);
}

/** @param sorted By their starts. */
function notesAlone(sorted: readonly MidiNote[]): Set<MidiNote> {
  const alone = new Set(sorted);
  let longest: MidiNote | undefined;
  for (const note of sorted) {
    if (longest !== undefined && note.start < longest.end) {
      alone.delete(longest);
      alone.delete(note);
    }
    if (longest === undefined || note.end > longest.end) longest = note;
  }
  return alone;
}

function eventsOf({ start, end, pitch, velocity }: MidiNote): MidiEvent[] {
  const on = tickOf(start);
  return [
    // A velocity of 0 would be the note's end.
    { tick: on, order: 2, bytes: [0x90, pitch, Math.min(127, Math.max(1, velocity))] },
    { tick: Math.max(on + 1, tickOf(end)), order: 0, bytes: [0x80, pitch, 0] },
  ];
}

function bendsOf({ start, end, pitch_bends: bends = [] }: MidiNote): MidiEvent[] {
  const changes = bends.flatMap((bend, i) => (bend === (bends[i - 1] ?? 0) ? [] : [{ bend, i }]));
  if (changes.length === 0) return [];
  return [
    ...changes.map(({ bend, i }) => ({
      tick: tickOf(start + ((end - start) * i) / bends.length),
      order: 1,
      bytes: bendBytes(bend),
    })),
    { tick: Math.max(tickOf(start) + 1, tickOf(end)), order: 0, bytes: bendBytes(0) },
  ];
}

function bendBytes(thirds: number): number[] {
  const value = Math.round(BEND_CENTRE + thirds * STEPS_PER_THIRD);
  const clipped = Math.min(2 * BEND_CENTRE - 1, Math.max(0, value));
  return [0xe0, clipped & 0x7f, clipped >> 7];
}

function tickOf(seconds: number): number {
  return Math.round(seconds * TICKS_PER_SECOND);
}

function chunk(type: string, bytes: readonly number[]): number[] {
  return [...[...type].map((letter) => letter.charCodeAt(0)), ...bigEndian(bytes.length, 4), ...bytes];
}

function bigEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff);
}

/** Seven bits a byte, the highest first; all but the last have their top bit set. */
function variableLength(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
