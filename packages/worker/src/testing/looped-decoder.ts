import { AppError } from "@earshot/shared/domain/errors";
import type { AudioBlock } from "../input/audio.ts";
import { outputRateHz } from "../input/audio.ts";
import type { Decoder } from "../input/decoder.ts";

/** A decoder for which every file goes on for so many seconds: what is in it is decoded once and then told again and again. */
export function loopedDecoder(decoder: Decoder, seconds: number): Decoder {
  return {
    probe: async (file, options) => ({ ...(await decoder.probe(file, options)), durationSeconds: seconds }),

    async decode(file, request) {
      const { media, streams, onBlock, signal } = request;
      const blocks = new Map<string, AudioBlock[]>(streams.map(({ name }) => [name, []]));
      const collect = (stream: string, block: AudioBlock) => void blocks.get(stream)?.push(block);
      await decoder.decode(file, {
        ...request,
        media: { ...media, durationSeconds: null },
        onBlock: collect,
      });
      if (seconds > request.maxSeconds) throw new AppError("input_too_long");
      await Promise.all(
        streams.map(async (stream) => {
          let left = Math.round(seconds * outputRateHz(stream, media));
          while (left > 0) {
            for (const { channels } of blocks.get(stream.name) ?? []) {
              signal.throwIfAborted();
              // Memory of their own, as that of a pipe is.
              const block = { channels: channels.map((samples) => samples.slice(0, left)) };
              left -= block.channels[0]?.length ?? 0;
              if (block.channels[0]?.length !== 0) await onBlock(stream.name, block);
            }
          }
        }),
      );
      return { durationSeconds: seconds, truncated: false };
    },
  };
}
