#!/bin/sh
# Makes hello-earshot.flac from nothing but this script: speech by espeak-ng, music by formula in ffmpeg.
# Needs espeak-ng and ffmpeg. Run again with the same versions it gives the same bytes.
set -eu
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { espeak-ng -v en-us -s 150 -w "$work/$1.wav" "$2"; }
say hello 'Hello, this is Earshot. I will be quiet for a moment.'
say again 'Now there is music, and I am talking over it.'

# A minor, F, C, G: one chord a second, each with a soft attack and a decay, over a bass note; a drum twice and a hat four times a second.
chord() { echo "eq(mod(floor(t),4),$1)*(sin(2*PI*$2*t)+sin(2*PI*$3*t)+sin(2*PI*$4*t)+1.5*sin(2*PI*$5*t))"; }
chords="$(chord 0 220.00 261.63 329.63 110.00)+$(chord 1 220.00 261.63 349.23 87.31)"
chords="$chords+$(chord 2 196.00 261.63 329.63 130.81)+$(chord 3 196.00 246.94 293.66 98.00)"
pad="0.08*($chords)*min(1,40*mod(t,1))*exp(-1.2*mod(t,1))"
drum="0.5*sin(2*PI*(50*mod(t,0.5)+6*(1-exp(-30*mod(t,0.5)))))*exp(-12*mod(t,0.5))"
hat="0.25*(random(0)-0.5)*exp(-40*mod(t,0.25))"
left="$pad+$drum+$hat"
right="0.9*$pad+$drum+0.03*sin(2*PI*880*t)*exp(-6*mod(t,0.25))+$hat"
# A comma ends a filter unless it is escaped.
escaped() { echo "$1" | sed "s/,/\\\\,/g"; }

# 0.3 s: speech. 4.5 s: digital silence. 6.5 s: music, with speech over it from 8.5 s, which ends at 12.5 s.
ffmpeg -v error -nostdin -y \
  -i "$work/hello.wav" -i "$work/again.wav" \
  -f lavfi -i "aevalsrc=$(escaped "$left")|$(escaped "$right"):s=44100:d=6" \
  -filter_complex "
    [0:a]aresample=44100,atrim=end=4.2,pan=stereo|c0=c0|c1=c0,volume=0.8,adelay=300:all=1[hello];
    [1:a]aresample=44100,atrim=end=4,pan=stereo|c0=c0|c1=c0,volume=0.9,adelay=8500:all=1[again];
    [2:a]volume=0.5,afade=out:st=5.5:d=0.5,adelay=6500:all=1[music];
    [hello][again][music]amix=inputs=3:normalize=0:duration=longest,atrim=end=12.5,asetpts=N/SR/TB[out]" \
  -map '[out]' -map_metadata -1 -fflags +bitexact -flags:a +bitexact \
  -metadata title='Hello Earshot' -metadata artist='Earshot' -metadata license='CC0-1.0' \
  -sample_fmt s16 -c:a flac -compression_level 12 hello-earshot.flac
