/** Zeroth-order modified Bessel function of the first kind, by its power series, to double precision. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

export interface KaiserSinc {
  /** Half the kernel's width. */
  radius: number;
  /** Cycles per unit of `x` that the low pass cuts at. */
  cutoff: number;
  beta: number;
}

/** A low-pass kernel of unit gain: a sinc under a Kaiser window, at `x` from its centre. */
export function kaiserSinc(x: number, { radius, cutoff, beta }: KaiserSinc): number {
  const inside = 1 - (x / radius) ** 2;
  if (inside <= 0) return 0;
  const angle = 2 * Math.PI * cutoff * x;
  const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
  return (2 * cutoff * sinc * besselI0(beta * Math.sqrt(inside))) / besselI0(beta);
}

/** Kaiser's formula: the window's beta for a stop band this far down (over 50 dB). */
export function kaiserBeta(attenuationDb: number): number {
  return 0.1102 * (attenuationDb - 8.7);
}
