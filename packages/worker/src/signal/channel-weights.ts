/** Speakers of ffmpeg's named layouts in ffmpeg's channel order (`ffmpeg -layouts`). */
const LAYOUTS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    mono: "FC",
    stereo: "FL FR",
    downmix: "DL DR",
    "2.1": "FL FR LFE",
    "3.0": "FL FR FC",
    "3.0(back)": "FL FR BC",
    "4.0": "FL FR FC BC",
    quad: "FL FR BL BR",
    "quad(side)": "FL FR SL SR",
    "3.1": "FL FR FC LFE",
    "5.0": "FL FR FC BL BR",
    "5.0(side)": "FL FR FC SL SR",
    "4.1": "FL FR FC LFE BC",
    "5.1": "FL FR FC LFE BL BR",
    "5.1(side)": "FL FR FC LFE SL SR",
    "6.0": "FL FR FC BC SL SR",
    "6.0(front)": "FL FR FLC FRC SL SR",
    hexagonal: "FL FR FC BL BR BC",
    "6.1": "FL FR FC LFE BC SL SR",
    "6.1(back)": "FL FR FC LFE BL BR BC",
    "6.1(front)": "FL FR LFE FLC FRC SL SR",
    "7.0": "FL FR FC BL BR SL SR",
    "7.0(front)": "FL FR FC FLC FRC SL SR",
    "7.1": "FL FR FC LFE BL BR SL SR",
    "7.1(wide)": "FL FR FC LFE BL BR FLC FRC",
    "7.1(wide-side)": "FL FR FC LFE FLC FRC SL SR",
    octagonal: "FL FR FC BL BR BC SL SR",
  }).map(([name, speakers]) => [name, speakers.split(" ")]),
);

/** What a file with this many channels and no layout nearly always holds; the EBU's own 5-channel test file is such a one. */
const UNNAMED: ReadonlyMap<number, string> = new Map([
  [5, "5.0"],
  [6, "5.1"],
  [8, "7.1"],
]);

/**
 * One weight a channel for the loudness sum, by ITU-R BS.1770-5 Annex 1 (table 3) and Annex 3: 1.41 (+1.5 dB) for speakers
 * at 60° to 120° to the side, 0 for the LFE, 1 elsewhere. A layout that isn't known weighs every channel 1.
 *
 * Back speakers are the surrounds (±110°) where there are no side speakers; beside them they stand at ±135° and weigh 1.
 */
export function channelWeights(layout: string, channels: number): number[] {
  const speakers = LAYOUTS.get(layout === "" ? (UNNAMED.get(channels) ?? "") : layout);
  if (speakers?.length !== channels) return Array.from({ length: channels }, () => 1);
  const surrounds = speakers.includes("SL") ? ["SL", "SR"] : ["BL", "BR"];
  return speakers.map((speaker) => {
    if (speaker === "LFE") return 0;
    return surrounds.includes(speaker) ? 1.41 : 1;
  });
}
