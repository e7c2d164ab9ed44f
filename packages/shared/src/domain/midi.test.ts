import { parseMidi } from "midi-file";
import { expect, test } from "vitest";
import { midiFile } from "./midi.ts";
import type { MidiNote } from "./midi.ts";

/** As an independent reader sees the one track: each event at its second. */
function read(notes: readonly MidiNote[]) {
  const { header, tracks } = parseMidi(midiFile(notes));
  expect(header).toMatchObject({ format: 0, numTracks: 1, ticksPerBeat: 480 });
  expect(tracks).toHaveLength(1);
  let tick = 0;
  return (tracks[0] ?? []).map((event) => {
    tick += event.deltaTime;
    return { ...event, seconds: tick / 960 };
  });
}

test("every note begins and ends where it should, with its key and its velocity", () => {
  const events = read([
    { start: 1.5, end: 2.25, pitch: 64, velocity: 90 },
    { start: 0, end: 0.5, pitch: 60, velocity: 127 },
    { start: 4_000, end: 4_001, pitch: 21, velocity: 1 },
  ]);
  const played = events.flatMap((event) =>
    event.type === "noteOn" || event.type === "noteOff"
      ? [[event.seconds, event.type, event.noteNumber, event.velocity]]
      : [],
  );
  expect(played).toEqual([
    [0, "noteOn", 60, 127],
    [0.5, "noteOff", 60, 0],
    [1.5, "noteOn", 64, 90],
    [2.25, "noteOff", 64, 0],
    [4_000, "noteOn", 21, 1],
    [4_001, "noteOff", 21, 0],
  ]);
  expect(events[0]).toMatchObject({ type: "setTempo", microsecondsPerBeat: 500_000 });
  expect(events[1]).toMatchObject({ type: "programChange", programNumber: 4 });
  expect(events.at(-1)).toMatchObject({ type: "endOfTrack" });
});

test("a note that is repeated at once ends before it begins anew, and one without loudness is still a note", () => {
  const events = read([
    { start: 0, end: 1, pitch: 69, velocity: 0 },
    { start: 1, end: 2, pitch: 69, velocity: 80 },
  ]);
  const types = events.map(({ type }) => type).filter((type) => type.startsWith("note"));
  expect(types).toEqual(["noteOn", "noteOff", "noteOn", "noteOff"]);
  expect(events.find(({ type }) => type === "noteOn")).toMatchObject({ velocity: 1 });
});

test("a bend is told in steps of a third of a semitone where it changes, no further than two, and ends with its note", () => {
  const events = read([
    { start: 0, end: 1, pitch: 60, velocity: 80, pitch_bends: [0, 1, 1, 3, -9] },
    { start: 1, end: 2, pitch: 62, velocity: 80 },
  ]);
  const bends = events.flatMap((event) => (event.type === "pitchBend" ? [[event.seconds, event.value]] : []));
  expect(bends).toEqual([
    [expect.closeTo(0.2, 2), 1_365],
    [expect.closeTo(0.6, 2), 4_096],
    [expect.closeTo(0.8, 2), -8_192],
    [1, 0],
  ]);
  const back = events.findIndex((event) => event.type === "pitchBend" && event.value === 0);
  expect(back).toBeLessThan(events.findIndex((event) => event.type === "noteOn" && event.noteNumber === 62));
});

test("notes that sound together have no bends, and one alone beside them keeps its own", () => {
  const bent = { velocity: 80, pitch_bends: [1] };
  const events = read([
    { start: 0, end: 3, pitch: 40, ...bent },
    { start: 1, end: 2, pitch: 50, ...bent },
    { start: 2.5, end: 2.75, pitch: 60, ...bent },
    { start: 3, end: 4, pitch: 70, ...bent },
  ]);
  const seconds = events.flatMap((event) => (event.type === "pitchBend" ? [event.seconds] : []));
  expect(seconds).toEqual([3, 4]);
});

test("no notes are a valid file, too", () => {
  expect(read([]).map(({ type }) => type)).toEqual(["setTempo", "programChange", "endOfTrack"]);
});
