// Runs in the sandbox of tags.ts: one file in, its tags as one JSON object on stdout. Untrusted bytes are parsed here.
// Plain JavaScript: one is started for every job, and stripping types would be a third of its CPU.
import { parseFile } from "music-metadata";

/** Several values of one tag are told together; longer ones are cut again, by bytes, by the parent. */
const SEPARATOR = "; ";
const MAX_CHARACTERS = 1_024;

const file = process.argv[2];
if (file === undefined) throw new Error("No file was named");
const { common } = await parseFile(file, { skipCovers: true, duration: false });
process.stdout.write(JSON.stringify(toStrings(common)));

/** @param {import("music-metadata").ICommonTagsResult} common */
function toStrings(common) {
  const values = {
    title: common.title,
    artist: common.artist,
    album: common.album,
    albumartist: common.albumartist,
    date: common.date,
    year: common.year,
    originaldate: common.originaldate,
    genre: common.genre,
    track: position(common.track),
    disk: position(common.disk),
    bpm: common.bpm,
    key: common.key,
    comment: common.comment?.map((comment) => comment.text),
    composer: common.composer,
    lyricist: common.lyricist,
    conductor: common.conductor,
    remixer: common.remixer,
    producer: common.producer,
    label: common.label,
    catalognumber: common.catalognumber,
    isrc: common.isrc,
    barcode: common.barcode,
    language: common.language,
    copyright: common.copyright,
    mood: common.mood,
    grouping: common.grouping,
    subtitle: common.subtitle,
    encodedby: common.encodedby,
    compilation: common.compilation,
  };
  const entries = Object.entries(values).map(([name, value]) => [name, toText(value)]);
  return Object.fromEntries(entries.filter(([, text]) => text !== ""));
}

/** @param {unknown} value */
function toText(value) {
  if (value === undefined || value === null) return "";
  const text = Array.isArray(value) ? value.filter(Boolean).join(SEPARATOR) : String(value);
  return text.slice(0, MAX_CHARACTERS);
}

/**
 * "3/12", "3", or nothing.
 * @param {{ no: number | null, of: number | null }} of
 */
function position({ no, of }) {
  if (no === null) return "";
  return of === null ? String(no) : `${no}/${of}`;
}
