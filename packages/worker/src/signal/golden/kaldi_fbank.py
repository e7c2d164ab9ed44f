"""Makes kaldi_fbank.json beside this file with kaldi-native-fbank 1.23.0 (pip), the C++ code of Kaldi's front end.

The options are those of WeSpeaker's infer_onnx.py. Run: python kaldi_fbank.py
"""
import json
import pathlib

import kaldi_native_fbank as knf
import numpy as np

HERE = pathlib.Path(__file__).parent


def fbank(samples: np.ndarray) -> np.ndarray:
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = 16000
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    options.use_energy = False
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(16000, (samples * 32768).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(i) for i in range(computer.num_frames_ready)])


speech = np.fromfile(HERE / "../../tasks/golden/vad_speech.input16k.f32", dtype="<f4")[20_000:52_123]
index = np.arange(16_000)
# A glide from 100 Hz up to 7.9 kHz with an offset, then silence.
glide = 0.3 * np.sin(2 * np.pi * (100 * index / 16_000 + 3_900 * (index / 16_000) ** 2)) + 0.05
glide[12_000:] = 0
cases = {"speech": speech.astype(np.float32), "glide": glide.astype(np.float32)}
golden = {"source": "kaldi-native-fbank 1.23.0; see kaldi_fbank.py"}
for name, samples in cases.items():
    rows = fbank(samples)
    golden[name] = {"frames": len(rows), "every": 7, "rows": [[round(float(v), 6) for v in row] for row in rows[::7]]}
(HERE / "kaldi_fbank.json").write_text(json.dumps(golden) + "\n")
