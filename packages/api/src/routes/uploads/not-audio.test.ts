import { expect, test } from "vitest";
import { recognisedAs } from "./not-audio.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test.for([
  ["\x89PNG\r\n\x1a\n", "a PNG image"],
  ["\xff\xd8\xff\xe0", "a JPEG image"],
  ["GIF89a", "a GIF image"],
  ["%PDF-1.4", "a PDF document"],
  ["PK\x03\x04", "a ZIP archive"],
  ["\x7fELF", "a program"],
  ["  \n<HTML><body>", "a web page"],
  ["\xef\xbb\xbf<!doctype html>", "a web page"],
  ['<?xml version="1.0"?>', "XML"],
] as const)("%j is %s", ([head, kind]) => {
  expect(recognisedAs(bytes(head))).toBe(kind);
});

// MPEG audio begins with 0xff, too, and a file may hold anything: the decoder decides.
test.for([
  "\xff\xfb\x90\x64",
  "\xff\xf1\x50\x80",
  "ID3\x04",
  "RIFF\0\0\0\0WAVE",
  "fLaC",
  "OggS",
  "\0\0\0\x20ftypM4A ",
  "",
  "MZZZ",
  "noise",
])("%j may be audio", (head) => {
  expect(recognisedAs(bytes(head))).toBeNull();
});
