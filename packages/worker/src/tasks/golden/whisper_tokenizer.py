"""Writes tokenizer.json: a small byte-level BPE as Hugging Face's tokenizers (Rust) learns and applies it. Needs tokenizers."""
import json
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "The quick brown fox jumps over the lazy dog, and doesn't stop. It's 1999; we'll see what they've got!",
    "Der schnelle braune Fuchs springt über den faulen Hund. Größe, Straße, Äpfel und Öl.",
    "Le cœur a ses raisons que la raison ne connaît point; l'été, déjà vu, garçon.",
    "今日はいい天気です。散歩しましょう。今日は休みです。",
    "Привет, как дела? Сегодня хорошая погода, и мы идём гулять.",
] * 3
PROBES = TEXTS[:5] + [
    "", " ", "   leading", "trailing   ", "tabs\tand\nlines\n\n", "it's I'M they'll", "👩‍👩‍👧 emoji 🙂", "a  b   c", "3.14159 km/h", "ﬁ ½ ²", "unheard wörds 漢字",
]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"], show_progress=False)
tokenizer.train_from_iterator(TEXTS, trainer)
published = json.loads(tokenizer.to_str())
golden = {
    "tokenizer": {"model": {"vocab": published["model"]["vocab"], "merges": published["model"]["merges"]}, "added_tokens": published["added_tokens"]},
    "encoded": [[text, tokenizer.encode(text).ids] for text in PROBES],
}
json.dump(golden, open("whisper_tokenizer.json", "w"), separators=(",", ":"), ensure_ascii=False)
