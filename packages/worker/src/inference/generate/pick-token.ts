/**
 * Chooses a token of a row of logits: the likeliest at temperature 0; above it one is drawn, each as likely as the softmax of its
 * logit over the temperature. The same seed draws the same.
 */
export function pickToken(temperature: number, seed: number): (logits: Float32Array) => number {
  if (temperature === 0) return likeliest;
  const random = mulberry32(seed);
  return (logits) => {
    const most = logits[likeliest(logits)] ?? 0;
    const weightOf = (logit: number) => Math.exp((logit - most) / temperature);
    let left = random() * logits.reduce((sum, logit) => sum + weightOf(logit), 0);
    const drawn = logits.findIndex((logit) => (left -= weightOf(logit)) < 0);
    return drawn < 0 ? likeliest(logits) : drawn;
  };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] ?? -Infinity) > (logits[best] ?? -Infinity)) best = token;
  }
  return best;
}

/** Tommy Ettinger's mulberry32, public domain: 32 bits of state are plenty for a few hundred draws. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
