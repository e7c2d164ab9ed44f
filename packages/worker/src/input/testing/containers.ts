/** One kind of file that Earshot reads: its extension, and the words by which ffmpeg writes it. */
export interface Container {
  extension: string;
  words: readonly string[];
  /** As the decoder names it. */
  codec: string;
  /** Whether the very samples come back. */
  isLossless: boolean;
}

const wav = (codec: string): Container => lossless("wav", codec, "-c:a", codec);

/**
 * Every format that the product promises to read. The bit rates are high because encoders, not decoders, lose level at
 * lower ones: LAME takes 5 % off, ffmpeg's AAC clips a tone of full scale.
 */
export const CONTAINERS = {
  wav16: wav("pcm_s16le"),
  wav24: wav("pcm_s24le"),
  wav32: wav("pcm_s32le"),
  wavFloat: wav("pcm_f32le"),
  flac: lossless("flac", "flac"),
  alac: lossless("m4a", "alac", "-c:a", "alac"),
  aiff: lossless("aiff", "pcm_s16be"),
  wavpack: lossless("wv", "wavpack"),
  mp3Cbr: lossy("mp3", "mp3", "-b:a", "320k"),
  mp3Vbr: lossy("mp3", "mp3", "-q:a", "2"),
  aac: lossy("m4a", "aac", "-b:a", "1024k"),
  adts: lossy("aac", "aac", "-b:a", "1024k"),
  vorbis: lossy("ogg", "vorbis", "-c:a", "libvorbis", "-q:a", "8"),
  opus: lossy("opus", "opus", "-b:a", "256k"),
  webm: lossy("webm", "opus", "-c:a", "libopus", "-b:a", "256k"),
  wma: lossy("wma", "wmav2", "-b:a", "192k"),
  ac3: lossy("ac3", "ac3", "-b:a", "448k"),
} as const satisfies Record<string, Container>;

export type ContainerName = keyof typeof CONTAINERS;

export const CONTAINER_NAMES = Object.keys(CONTAINERS) as ContainerName[];

function lossless(extension: string, codec: string, ...words: string[]): Container {
  return { extension, codec, words, isLossless: true };
}

function lossy(extension: string, codec: string, ...words: string[]): Container {
  return { extension, codec, words, isLossless: false };
}
