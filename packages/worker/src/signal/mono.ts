/** The mean of the channels. A single one is given back as it is. */
export function meanOf(channels: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = channels;
  if (channels.length === 1) return first;
  const mono = new Float32Array(first.length);
  for (const samples of channels) {
    for (let i = 0; i < mono.length; i++)
      mono[i] = (mono[i] as number) + (samples[i] as number) / channels.length;
  }
  return mono;
}
