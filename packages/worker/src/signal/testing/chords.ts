const INTERVALS = { major: [0, 4, 7], minor: [0, 3, 7], seventh: [0, 4, 7, 10] } as const;

/** I vi IV V7 I IV V I, and i VI iv V i iv VII i: degrees in semitones above the tonic. */
const PROGRESSIONS = {
  major: [
    [0, "major"],
    [9, "minor"],
    [5, "major"],
    [7, "seventh"],
    [0, "major"],
    [5, "major"],
    [7, "major"],
    [0, "major"],
  ],
  minor: [
    [0, "minor"],
    [8, "major"],
    [5, "minor"],
    [7, "major"],
    [0, "minor"],
    [5, "minor"],
    [10, "major"],
    [0, "minor"],
  ],
} as const satisfies Record<string, readonly (readonly [number, keyof typeof INTERVALS])[]>;

export interface Rendering {
  sampleRateHz: number;
  /** Of the tonic: 0 is C. */
  tonic: number;
  scale: keyof typeof PROGRESSIONS;
  /** Away from A4 = 440 Hz. */
  cents?: number;
  secondsPerChord?: number;
}

/** A progression in close position over its bass, each note with six harmonics and a decay. */
export function renderProgression(rendering: Rendering): Float32Array {
  const { sampleRateHz, tonic, scale, cents = 0, secondsPerChord = 1 } = rendering;
  const chords = PROGRESSIONS[scale];
  const length = Math.round(secondsPerChord * sampleRateHz);
  const samples = new Float32Array(chords.length * length);
  for (const [index, [degree, quality]] of chords.entries()) {
    const root = tonic + degree;
    const notes = INTERVALS[quality].map((interval) => ({
      midi: 60 + (root % 12) + interval,
      amplitude: 0.1,
    }));
    for (const { midi, amplitude } of [...notes, { midi: 36 + (root % 12), amplitude: 0.2 }]) {
      addNote(
        samples.subarray(index * length, (index + 1) * length),
        midi + cents / 100,
        amplitude,
        sampleRateHz,
      );
    }
  }
  return samples;
}

function addNote(samples: Float32Array, midi: number, amplitude: number, sampleRateHz: number): void {
  const hz = 440 * 2 ** ((midi - 69) / 12);
  for (let i = 0; i < samples.length; i++) {
    const time = i / sampleRateHz;
    const envelope = amplitude * Math.min(1, time * 100) * Math.exp(-time / 0.8);
    let wave = 0;
    for (let harmonic = 1; harmonic <= 6; harmonic++)
      wave += Math.sin(2 * Math.PI * hz * harmonic * time) / harmonic ** 1.3;
    samples[i] = (samples[i] ?? 0) + envelope * wave;
  }
}
