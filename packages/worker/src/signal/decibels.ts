/** 20·log10 of a linear amplitude: 1 is 0 dB, 0 is -Infinity. */
export function amplitudeToDecibels(amplitude: number): number {
  return 20 * Math.log10(amplitude);
}

export function decibelsToAmplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}
