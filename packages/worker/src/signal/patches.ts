export interface PatchShape {
  /** Frames of a patch. */
  frames: number;
  /** Frames from the start of a patch to that of the next. */
  hop: number;
  /** Values of a frame. */
  bands: number;
}

/** MusiCNN reads 3 s at a time, every 1.5 s. */
export const MUSICNN_PATCH: PatchShape = { frames: 187, hop: 93, bands: 96 };

/** Cuts frames into overlapping patches, row-major [frames, bands]. A last patch that does not fill is discarded. */
export class PatchCutter {
  readonly #shape: PatchShape;
  readonly #onPatch: (patch: Float32Array) => void;
  readonly #frames: Float32Array;
  #filled = 0;

  /** @param onPatch Takes each patch in turn, to keep. */
  constructor(shape: PatchShape, onPatch: (patch: Float32Array) => void) {
    this.#shape = shape;
    this.#onPatch = onPatch;
    this.#frames = new Float32Array(shape.frames * shape.bands);
  }

  /** Copies the frame. */
  push(frame: Float32Array): void {
    const { frames, hop, bands } = this.#shape;
    this.#frames.set(frame, this.#filled * bands);
    this.#filled += 1;
    if (this.#filled < frames) return;
    this.#onPatch(this.#frames.slice());
    this.#frames.copyWithin(0, hop * bands);
    this.#filled = frames - hop;
  }
}
