/** A WAV file of 16-bit PCM that holds a tone. */
export function toneWav(seconds: number): Uint8Array<ArrayBuffer> {
  return wav(seconds, 16_000, (t) => Math.sin(2 * Math.PI * 440 * t));
}

/** Seventeen short beeps a second, with a silence after each. */
export function beepsWav(seconds: number): Uint8Array<ArrayBuffer> {
  return wav(seconds, 8_000, (t) => (t % 0.06 < 0.005 ? 1 : 0));
}

/** Mono. `wave`: what it is at a time in seconds, from -1 to 1. */
function wav(seconds: number, rateHz: number, wave: (t: number) => number): Uint8Array<ArrayBuffer> {
  const samples = Math.round(seconds * rateHz);
  const file = Buffer.alloc(44 + samples * 2);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + samples * 2, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rateHz, 24);
  file.writeUInt32LE(rateHz * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(samples * 2, 40);
  for (let at = 0; at < samples; at++) file.writeInt16LE(Math.round(8_000 * wave(at / rateHz)), 44 + at * 2);
  return new Uint8Array(file);
}
