"""Writes whisper_mel.json: Whisper's log-mel of a formula, by numpy's FFT and librosa's filters. Needs numpy and librosa."""
import json
import numpy as np
import librosa

RATE, SAMPLES = 16_000, 30 * 16_000
n = np.arange(3 * RATE + 77)
state, noise = 1, []
for _ in n:  # the noise of signal/test-signals.ts would need Node: a linear congruence is the same everywhere
    state = (state * 1_664_525 + 1_013_904_223) % 2**32
    noise.append(state / 2**32 - 0.5)
t = n / RATE
audio = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * (300 + 900 * t) * t) + 0.05 * np.array(noise)
audio = np.where((t > 1.2) & (t < 1.7), audio * 1e-3, audio).astype(np.float32)
padded = np.pad(np.pad(audio.astype(np.float64), (0, SAMPLES - len(audio))), 200, mode="reflect")
window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
power = np.array([np.abs(np.fft.rfft(padded[i * 160 : i * 160 + 400] * window)) ** 2 for i in range(3000)]).T
golden = {}
frames = [0, 1, 2, 7, 60, 119, 120, 121, 145, 171, 200, 298, 299, 300, 301, 302, 303, 1500, 2999]
for bands in (80, 128):
    mel = librosa.filters.mel(sr=RATE, n_fft=400, n_mels=bands) @ power
    log = np.log10(np.maximum(mel, 1e-10))
    log = (np.maximum(log, log.max() - 8) + 4) / 4
    golden[str(bands)] = {str(f): [round(float(v), 6) for v in log[:, f]] for f in frames}
json.dump(golden, open("whisper_mel.json", "w"), separators=(",", ":"))
